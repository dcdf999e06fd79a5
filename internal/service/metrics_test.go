package service_test

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/explain"
	"charmd/internal/observe"
)

// metrics scrapes the daemon.
func (d *daemon) metrics() scraped {
	d.t.Helper()
	status, text := d.get("/metrics", "Bearer "+d.token())
	if status != http.StatusOK {
		d.t.Fatalf("%d %s", status, text)
	}
	return scraped(text)
}

func (d *daemon) get(path, authorization string) (status int, body string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.URL+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// scraped is the text of a scrape.
type scraped string

// value is that of a series, written as it is scraped; 0 when it is not there.
func (s scraped) value(series string) float64 {
	for line := range strings.Lines(string(s)) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err == nil {
				return v
			}
		}
	}
	return 0
}

// families are the names of what was scraped.
func (s scraped) families() (list []string) {
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (\S+)`).FindAllStringSubmatch(string(s), -1) {
		list = append(list, line[1])
	}
	return list
}

func integration(name string) func(*api.AddRequest) {
	return func(r *api.AddRequest) { r.Integration = name }
}

// TestMetricsOfEveryOutcome runs what ends well, fails, takes too long, eats its
// memory and asks a server, and wants to find all of it, and nothing that the
// table does not have.
func TestMetricsOfEveryOutcome(t *testing.T) {
	t.Parallel()
	url, host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("not here"))
	})
	d := startDaemon(t, t.TempDir(), "--max-retries", "0")
	for _, authorization := range []string{"", "Bearer wrong", "Basic " + d.token()} {
		if status, text := d.get("/metrics", authorization); status != http.StatusUnauthorized || strings.Contains(text, "charmd_") {
			t.Errorf("as %q: %d %s", authorization, status, text)
		}
	}
	const ask = `return (async () => { await (await fetch(%)).text(); })();`
	runs := map[charm.Outcome]client.Ref{
		charm.OK:          d.add(counter, "m", "fine", notRegistered, integration("ok")),
		charm.Errored:     d.add(failing(`throw new Error("no");`), "m", "throws", notRegistered, integration("error")),
		charm.TimedOut:    d.add(failing(`while (true) {}`), "m", "loops", notRegistered, integration("timeout"), timeout(time.Second)),
		charm.OutOfMemory: d.add(failing(`const l = []; for (;;) l.push(new Array(1e5).fill(0));`), "m", "eats", notRegistered, integration("out_of_memory")),
	}
	for outcome, ref := range runs {
		if r := d.run(ref); r.Outcome != outcome {
			t.Errorf("%s ended as %s: %s", ref, r.Outcome, r.Error)
		}
	}
	asks := d.add(failing(strings.Replace(ask, "%", strconv.Quote(url), 1)), "m", "asks", notRegistered, integration("ok"), allow(host))
	d.runOK(asks)
	d.runOK(asks)
	if _, err := d.Client.Maintenance(t.Context(), charm.Cleanup, true); err != nil {
		t.Fatal(err)
	}

	// A run is counted a moment after those who wait for it are told.
	m := d.awaitMetric(func(m scraped) bool {
		return m.value(`charmd_maintenance_last_success_timestamp_seconds{task="cleanup"}`) > 0 &&
			m.value(`charmd_maintenance_runs_total{outcome="ok",task="cleanup"}`) == 1 && m.value(`charmd_runs_total{integration="ok",outcome="ok"}`) == 3
	})
	for series, want := range map[string]float64{
		`charmd_runs_total{integration="ok",outcome="ok"}`:                       3,
		`charmd_runs_total{integration="error",outcome="error"}`:                 1,
		`charmd_runs_total{integration="timeout",outcome="timeout"}`:             1,
		`charmd_runs_total{integration="out_of_memory",outcome="out_of_memory"}`: 1,
		`charmd_run_duration_seconds_count{result="failed"}`:                     3,
		`charmd_egress_requests_total{status="4xx",verdict="sent"}`:              2,
		`charmd_egress_received_bytes_total`:                                     16,
		`charmd_maintenance_runs_total{outcome="ok",task="cleanup"}`:             1,
		`charmd_http_requests_total{route="refused",status="4xx"}`:               3,
		`charmd_http_requests_total{route="POST /api/v1/charms",status="2xx"}`:   5,
		`charmd_charms{status="unregistered"}`:                                   5,
		`charmd_unarmed_charms`:                                                  0,
		`charmd_ready`:                                                           1,
		`charmd_store_healthy`:                                                   1,
		`charmd_restarts_total`:                                                  0,
		`charmd_store_commits_total{result="error"}`:                             0,
	} {
		if got := m.value(series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
	for _, series := range []string{
		`charmd_run_cpu_seconds_total`, `charmd_run_peak_memory_bytes_count`, `charmd_run_lateness_seconds_count`,
		`charmd_store_facts_total`, `charmd_store_commit_duration_seconds_count`, `charmd_store_group_members_sum`,
		`charmd_store_database_bytes`, `charmd_store_log_bytes`, `charmd_registry_writes_total`,
		`charmd_worker_start_duration_seconds_count`, `charmd_worker_resident_bytes`, `charmd_start_time_seconds`,
	} {
		if m.value(series) <= 0 {
			t.Errorf("%s is %v", series, m.value(series))
		}
	}
	if at := m.value(`charmd_maintenance_last_success_timestamp_seconds{task="cleanup"}`); time.Since(time.UnixMilli(int64(at*1000))).Abs() > time.Minute {
		t.Errorf("cleanup ended well at %v", at)
	}
	testOnlyTheTable(t, m)
}

// conditional are there only where accounts are connected, or TLS is spoken.
var conditional = []string{
	"charmd_accounts", "charmd_account_refreshes_total", "charmd_account_ends_in_seconds", "charmd_certificate_expiry_timestamp_seconds",
}

func testOnlyTheTable(t *testing.T, m scraped) {
	t.Helper()
	got := slices.DeleteFunc(m.families(), func(name string) bool {
		return strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_")
	})
	var want []string
	for _, row := range observe.Table() {
		if !slices.Contains(conditional, row.Name) {
			want = append(want, row.Name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("scraped %v\nthe table has %v", got, want)
	}
	problems, err := promlint.New(strings.NewReader(string(m))).Lint()
	if err != nil {
		t.Error(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "charmd_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// TestMetricsOfTheQueue has one worker, a run that occupies it, and charms that
// wait for it.
func TestMetricsOfTheQueue(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 10), make(chan struct{})
	url, host := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	d := startDaemon(t, t.TempDir(), "--max-concurrent", "1")
	d.quiet() // a heartbeat that is due would have its share
	occupies := d.add(failing(`return (async () => { await fetch(`+strconv.Quote(url)+`); })();`), "q", "occupies", notRegistered, allow(host))
	const waiting = 8
	var refs []client.Ref
	for i := range waiting {
		refs = append(refs, d.add(counter, "q", "waits-"+strconv.Itoa(i), notRegistered))
	}
	end := d.begin(occupies)
	<-asked
	for _, ref := range refs {
		if _, err := d.Client.Run(t.Context(), ref, false); err != nil {
			t.Fatal(err)
		}
	}
	m := d.awaitMetric(func(m scraped) bool {
		return m.value(`charmd_queue_jobs{state="running"}`)+m.value(`charmd_queue_jobs{state="due"}`) >= waiting+1 &&
			m.value("charmd_worker_waiting_tasks") > 0 && m.value("charmd_queue_oldest_due_seconds") > 0
	})
	if running := m.value(`charmd_queue_jobs{state="running"}`); running > 4 {
		t.Errorf("%v jobs are claimed for one worker", running)
	}
	if n := m.value(`charmd_workers{state="busy"}`) + m.value(`charmd_workers{state="idle"}`) + m.value(`charmd_workers{state="starting"}`); n != 1 {
		t.Errorf("%v workers, want one", n)
	}
	said := map[explain.Cause]int{}
	for _, ref := range append(refs, occupies) {
		why, err := d.Client.Why(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		said[explain.Cause(why.Cause)]++
	}
	if c, w := said[explain.Claimed], said[explain.Workers]; said[explain.Running] != 1 || c == 0 || w == 0 || c+w != waiting {
		t.Errorf("why says %v of one that runs and %d that wait for its worker", said, waiting)
	}
	close(release)
	if r := <-end; r.Outcome != charm.OK {
		t.Errorf("ended as %s: %s", r.Outcome, r.Error)
	}
	m = d.awaitMetric(func(m scraped) bool {
		return m.value(`charmd_queue_jobs{state="due"}`) == 0 && m.value(`charmd_queue_jobs{state="running"}`) == 0
	})
	if n := m.value("charmd_run_lateness_seconds_count"); n < waiting+1 {
		t.Errorf("the lateness of %v runs is known, %d ran", n, waiting+1)
	}
	if oldest := m.value("charmd_queue_oldest_due_seconds"); oldest != 0 {
		t.Errorf("nothing is due, for %v s", oldest)
	}
}

// awaitMetric scrapes until it is as wanted.
func (d *daemon) awaitMetric(is func(scraped) bool) (m scraped) {
	d.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience * 20 * time.Second)
	for {
		if m = d.metrics(); is(m) {
			return m
		}
		select {
		case <-late:
			d.t.Fatalf("it stays at\n%s", strings.Join(regexp.MustCompile("(?m)^charmd_(queue|worker|runs|maintenance|run_lateness|reconciler|unarmed).*").FindAllString(string(m), -1), "\n"))
		case <-tick.C:
		}
	}
}

// TestMetricsAfterAKill finds the run that the kill interrupted, and the restart.
func TestMetricsAfterAKill(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	url, host := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	})
	dir := t.TempDir()
	d := startDaemon(t, dir)
	ref := d.add(failing(`return (async () => { await fetch(`+strconv.Quote(url)+`); })();`), "k", "hangs", notRegistered, integration("mail"), allow(host))
	if _, err := d.Client.Run(t.Context(), ref, false); err != nil {
		t.Fatal(err)
	}
	<-asked
	d.Kill()
	d = startDaemon(t, dir)
	m := d.metrics()
	if lost := m.value(`charmd_runs_total{integration="mail",outcome="lost"}`); lost != 1 || m.value("charmd_restarts_total") != 1 {
		t.Errorf("%v runs lost after %v restarts", lost, m.value("charmd_restarts_total"))
	}
}
