package service_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/queue"
)

// damage changes the database of a running service behind its back.
func (d *daemon) damage(statements ...string) {
	d.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(d.Dir, "charmd.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		d.t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		result, err := db.ExecContext(d.t.Context(), s)
		if err != nil {
			d.t.Fatalf("%s: %v", s, err)
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			d.t.Fatalf("%s changed %d rows, %v", s, n, err)
		}
	}
}

func TestDamageBySQLIsSeenAndRepaired(t *testing.T) {
	t.Parallel()
	mended := make(chan struct{})
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-mended:
		case <-r.Context().Done():
		case <-time.After(20 * time.Second): // less than a request may take
			w.WriteHeader(http.StatusAccepted)
		}
	})
	d := startDaemon(t, t.TempDir())
	const month = 30 * 24 * time.Hour // the time of none comes meanwhile
	quick := func(name string) client.Ref { return d.add(counter, "s", name, every(month)) }
	unarmed, farAway, dead := quick("unarmed"), quick("far-away"), quick("dead")
	for _, ref := range []client.Ref{unarmed, farAway, dead} {
		d.await(ref, "its first run", 20*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses == 1 && c.NextRun != nil })
	}
	source := failing(`return (async () => { while ((await fetch("` + url + `")).status !== 200); state.n.set(state.n.get() + 1); })();`)
	held := func(name string) client.Ref {
		return d.add(source, "s", name, every(month), timeout(10*time.Minute), allow(host))
	}
	row, lease := held("row"), held("lease")
	for _, ref := range []client.Ref{row, lease} {
		d.await(ref, "it runs", 20*time.Second, func(c api.Charm) bool { return c.Status == string(charm.Running) })
	}
	of := func(name string) string { return fmt.Sprintf("(select row from charm where name = '%s')", name) }
	d.damage(
		"update state set next_run = 0 where charm = "+of("unarmed"),
		"update state set next_run = 4102444800000 where charm = "+of("far-away"),
		"insert into job (id, charm, type, task, reason, priority, due, attempt, status, run, epoch, lease_end, once, follow_up, pages, created, claimed) "+
			"select '01JQ0000000000000000000001', row, 'execute_charm', '', 'due', 0, 1, 1, 'running', '01JQ0000000000000000000002', 1, 1, 0, '', 0, 1, 1 from charm where name = 'dead'",
		"delete from job where charm = "+of("row"),
		"update job set lease_end = 1 where charm = "+of("lease"),
	)
	d.awaitMetric(func(m scraped) bool {
		return m.value(`charmd_reconciler_repairs_total{kind="unarmed"}`) == 1 && m.value(`charmd_reconciler_repairs_total{kind="far_away"}`) == 1 &&
			m.value(`charmd_reconciler_repairs_total{kind="dead_claim"}`) == 1 && m.value(`charmd_reconciler_repairs_total{kind="lost_claim"}`) == 2
	})
	for _, kind := range []string{"unarmed", "far_away", "dead_claim", "lost_claim"} {
		if !strings.Contains(d.Log(), `"kind":"`+kind+`"`) {
			t.Errorf("the log says nothing of %s", kind)
		}
	}
	for _, ref := range []client.Ref{unarmed, dead} {
		d.await(ref, "it runs again", 20*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses >= 2 })
	}
	c := d.show(farAway)
	if c.NextRun == nil || time.Until(*c.NextRun) > month {
		t.Errorf("far-away runs next at %v", c.NextRun)
	}
	close(mended)
	for _, ref := range []client.Ref{row, lease} {
		c := d.await(ref, "its run ends as if nothing had been", 60*time.Second, func(c api.Charm) bool { return c.State.TotalExecutions > 0 })
		if n := result[struct{ N int }](t, c).N; c.State.TotalSuccesses != 1 || n != 2 {
			t.Errorf("%s: %+v, it holds %d", c.Name, c.State, n)
		}
	}
	d.awaitMetric(func(m scraped) bool { return m.value("charmd_unarmed_charms") == 0 })
	text := string(d.metrics())
	for _, kind := range queue.BreachKinds() {
		if !strings.Contains(text, fmt.Sprintf(`charmd_reconciler_repairs_total{kind=%q}`, kind)) {
			t.Errorf("%s is no kind of the metric", kind)
		}
	}
}
