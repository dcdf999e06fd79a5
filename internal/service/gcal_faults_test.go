package service_test

import (
	"strings"
	"testing"
	"time"

	"charmd/charms"
	"charmd/internal/fakegoogle"
)

// What happened while Google had forgotten the sync token is found by reading everything
// anew, page by page: what was deleted is gone, what moved has moved, nothing is there
// twice. Times are by their zones, also across a change of the clocks.
func TestGoogleCalendarBegunAnew(t *testing.T) {
	t.Parallel()
	g := fakegoogle.Start(t, time.Now)
	c := g.Calendar()
	c.Pages(2)
	d := googleDaemon(t, g, t.TempDir(), "--max-retries", "0")
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(t time.Time) map[string]any {
		return map[string]any{"dateTime": t.Format(time.RFC3339), "timeZone": t.Location().String()}
	}
	today := time.Now().In(berlin)
	nine := func(days int) time.Time {
		return time.Date(today.Year(), today.Month(), today.Day()+days, 9, 0, 0, 0, berlin)
	}
	event := func(id string, start time.Time) fakegoogle.Event {
		return fakegoogle.Event{"id": id, "recurringEventId": "series", "status": "confirmed", "summary": id, "start": at(start), "end": at(start.Add(time.Hour))}
	}
	for days := 1; days <= 176; days += 25 { // half a year: the clocks change within
		c.Put(event(nine(days).Format("d20060102"), nine(days)))
	}
	ref := d.add(charms.Source("gcal.tsx"), "home", "calendar", notRegistered, rarely, allow(g.Host), argument(`{"settings":{"api":%q}}`, g.URL+"/calendar/v3"))
	c.Refuse(1)
	d.connect(g, ref)
	titles := func() (list []string) {
		got := result[struct {
			Events []struct{ Title, Start string }
		}](t, d.show(ref)).Events
		for _, e := range got {
			start, err := time.Parse(time.RFC3339, e.Start)
			if err != nil || !strings.HasSuffix(e.Start, "Z") || start.In(berlin).Hour() != 9 {
				t.Errorf("%s begins at %s", e.Title, e.Start)
			}
			list = append(list, e.Title)
		}
		return list
	}
	d.runOK(ref)
	if got := titles(); len(got) != 8 {
		t.Fatalf("there are %v", got)
	}
	if full, given := c.Lists(); full != 2 || given != 2+8 {
		t.Errorf("when a page token was too old there were %d lists, %d events", full, given)
	}

	gone, moved := nine(26).Format("d20060102"), nine(51).Format("d20060102")
	c.Put(fakegoogle.Event{"id": gone, "status": "cancelled"}, event(moved, nine(2)), event("new", nine(3)))
	c.Forget()
	c.Lists()
	d.runOK(ref)
	got := titles()
	if full, _ := c.Lists(); full != 1 || len(got) != 8 || strings.Join(got[1:3], " ") != moved+" new" || strings.Contains(strings.Join(got, " "), gone) {
		t.Errorf("after %d lists there are %v", full, got)
	}
	if r := d.runOK(ref); r.Changed != 0 {
		t.Errorf("then, with nothing new, %d documents changed", r.Changed)
	}

	for _, title := range got { // the whole series is deleted, while the token is too old again
		if title != "new" {
			c.Put(fakegoogle.Event{"id": title, "status": "cancelled"})
		}
	}
	c.Forget()
	d.runOK(ref)
	if got := titles(); len(got) != 1 || got[0] != "new" {
		t.Errorf("without the series there are %v", got)
	}
}
