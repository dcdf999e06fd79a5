package service_test

import (
	"fmt"
	"testing"
	"time"

	"charmd/charms"
	"charmd/internal/charm"
	"charmd/internal/fakegoogle"
)

func TestGoogleCalendar(t *testing.T) {
	t.Parallel()
	g := fakegoogle.Start(t, time.Now)
	c := g.Calendar()
	c.Pages(4)
	d := googleDaemon(t, g, t.TempDir())
	morning := time.Now().UTC().Truncate(24 * time.Hour).Add(33 * time.Hour)
	berlin := time.FixedZone("", 3600)
	at := func(t time.Time) map[string]any {
		return map[string]any{"dateTime": t.In(berlin).Format(time.RFC3339), "timeZone": "Europe/Berlin"}
	}
	for i := range 10 {
		c.Put(fakegoogle.Event{"id": fmt.Sprintf("week_%d", i), "recurringEventId": "week", "status": "confirmed", "summary": "<b>Weekly</b>",
			"start": at(morning.AddDate(0, 0, 7*i)), "end": at(morning.AddDate(0, 0, 7*i).Add(time.Hour))})
	}
	c.Put(fakegoogle.Event{"id": "day", "status": "confirmed", "summary": "Holiday", "start": map[string]any{"date": "2999-01-02"}, "end": map[string]any{"date": "2999-01-01"}},
		fakegoogle.Event{"id": "old", "status": "confirmed", "start": at(morning.AddDate(-1, 0, 0)), "end": at(morning.AddDate(-1, 0, 0))},
		fakegoogle.Event{"id": "broken", "status": "confirmed", "start": map[string]any{"dateTime": "soon"}})
	ref := d.add(charms.Source("gcal.tsx"), "home", "calendar", notRegistered, rarely, allow(g.Host), argument(`{"settings":{"api":%q}}`, g.URL+"/calendar/v3"))
	d.connect(g, ref)
	type agenda struct {
		Calendars []struct{ ID string }
		Events    []struct {
			ID, Title, Start, End, Zone string
			AllDay, Recurring           bool
		}
	}
	d.runOK(ref)
	got := result[agenda](t, d.show(ref))
	if len(got.Calendars) != 1 || len(got.Events) != 11 {
		t.Fatalf("%d calendars, %d events: %+v", len(got.Calendars), len(got.Events), got.Events)
	}
	first, last := got.Events[0], got.Events[10]
	if first.Start != morning.Format("2006-01-02T15:04:05.000Z") || first.Zone != "Europe/Berlin" || !first.Recurring || first.Title != "<b>Weekly</b>" {
		t.Errorf("the first is %+v", first)
	}
	if !last.AllDay || last.Start != "2999-01-02" || last.End != "2999-01-02" {
		t.Errorf("what ends before it begins is %+v", last)
	}
	c.Lists()
	if r := d.runOK(ref); r.Changed != 0 {
		t.Errorf("with nothing new %d documents changed", r.Changed)
	}
	c.Put(fakegoogle.Event{"id": "week_3", "status": "cancelled"}, fakegoogle.Event{"id": "week_4", "status": "confirmed", "recurringEventId": "week", "summary": "Moved", "start": at(morning), "end": at(morning)})
	d.runOK(ref)
	got = result[agenda](t, d.show(ref))
	if full, given := c.Lists(); full != 0 || given != 2 {
		t.Errorf("two changes cost %d full lists and %d events", full, given)
	}
	if len(got.Events) != 10 || got.Events[0].Title == got.Events[1].Title {
		t.Errorf("one deleted and one moved left %+v", got.Events)
	}
	c.Put(fakegoogle.Event{"id": "week_5", "status": "cancelled"}, fakegoogle.Event{"id": "x", "status": "confirmed", "summary": "X", "start": at(morning), "end": at(morning)})
	c.Forget()
	d.runOK(ref)
	got = result[agenda](t, d.show(ref))
	if full, _ := c.Lists(); full != 1 || len(got.Events) != 10 {
		t.Errorf("after the token was too old: %d full lists, %+v", full, got.Events)
	}
	g.Revoke()
	if r := d.run(ref); r.Outcome != charm.NeedsReconnect {
		t.Errorf("taken back: %s %s", r.Outcome, r.Error)
	}
}
