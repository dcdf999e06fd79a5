package service_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
)

func byCron(expression, zone string) func(*api.AddRequest) {
	return func(r *api.AddRequest) { r.Cron, r.Zone = expression, zone }
}

func TestAnotherScheduleCountsAtOnce(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	far := time.Now().AddDate(0, 6, 0).Month() // from today, whichever day that is
	yearly := fmt.Sprintf("0 0 15 %d *", far)
	ref := d.add(counter, "s", "counter", byCron(yearly, "Europe/Berlin"))
	if c := d.show(ref); c.State.TotalExecutions != 0 || c.NextRun == nil || time.Until(*c.NextRun) < time.Minute {
		t.Errorf("by cron it does not wait for its time: next run %v, state %+v", c.NextRun, c.State)
	}
	p, err := d.Client.Schedule(t.Context(), ref, api.ScheduleRequest{Every: "1s"})
	if err != nil || len(p.Times) != 10 || !p.Times[1].Equal(p.Times[0].Add(time.Second)) {
		t.Fatalf("each second it runs %+v, %v", p, err)
	}
	d.await(ref, "runs each second", 30*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses >= 2 })
	if _, err := d.Client.Schedule(t.Context(), ref, api.ScheduleRequest{Cron: yearly}); err != nil {
		t.Fatal(err)
	}
	c := d.await(ref, "waits for its day", 30*time.Second, func(c api.Charm) bool { return c.NextRun != nil })
	if next := c.NextRun; next.Month() != far || next.Day() < 14 || next.Day() > 15 {
		t.Errorf("its next run is %v", next)
	}
	for _, bad := range []api.ScheduleRequest{{}, {Every: "1ms"}, {Cron: "* * * * * *"}, {Every: "1m", Cron: "@daily"}, {Cron: "@daily", Zone: "Europe/Atlantis"}} {
		if p, err := d.Client.Schedule(t.Context(), ref, bad); charm.ExitCode(err) != charm.ExitUsage && charm.ExitCode(err) != charm.ExitRefused {
			t.Errorf("%+v gives %+v, %v", bad, p, err)
		}
	}
	if d.show(ref).Schedule != c.Schedule {
		t.Error("a schedule that was refused has changed something")
	}
}

func TestFault21_StoredScheduleThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := startDaemon(t, dir)
	ref := d.add(counter, "s", "counter", byCron("@daily", "Europe/Berlin"))
	other := d.add(counter, "s", "other", every(time.Second))
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "charmd.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "update charm set zone = 'Europe/Atlantis' where name = 'counter'"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	d = startDaemon(t, dir)
	const reason = `its schedule cannot be used: there is no time zone "Europe/Atlantis"`
	if c := d.show(ref); c.Status != "waiting" || c.State.Waiting != reason || c.NextRun != nil {
		t.Errorf("it stands as %s, %q, next run %v", c.Status, c.State.Waiting, c.NextRun)
	}
	if p, err := d.Client.Preview(t.Context(), ref, 0); err != nil || p.Reason != reason || len(p.Times) != 0 {
		t.Errorf("it is previewed as %+v, %v", p, err)
	}
	ran := d.show(other).State.TotalExecutions
	d.await(other, "the others run", 30*time.Second, func(c api.Charm) bool { return c.State.TotalExecutions > ran })
	// Enabling it changes nothing, another schedule does.
	if c, err := d.Client.Enable(t.Context(), ref); err != nil || c.Status != "waiting" {
		t.Errorf("enabled, it stands as %s, %v", c.Status, err)
	}
	if p, err := d.Client.Schedule(t.Context(), ref, api.ScheduleRequest{Cron: "@daily", Zone: "Asia/Tokyo"}); err != nil || p.Reason != "" || len(p.Times) != 10 || !strings.HasSuffix(p.Times[0].Format(time.RFC3339), "+09:00") {
		t.Errorf("in a zone that there is: %+v, %v", p, err)
	}
	if c := d.show(ref); c.Status != "pending" || c.NextRun == nil {
		t.Errorf("after that it stands as %s, next run %v", c.Status, c.NextRun)
	}
}
