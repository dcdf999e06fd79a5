package observe

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"charmd/internal/charm"
)

// scrape is what Prometheus gets.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// everything tells m of one of everything.
func everything(m *Metrics) {
	run := charm.Run{
		Outcome: charm.OK, DueAt: time.Unix(100, 0), StartedAt: time.Unix(102, 0), EndedAt: time.Unix(105, 0),
		Conflicts: 2, CPU: 40 * time.Millisecond, PeakBytes: 3 << 20,
	}
	m.RunEnded("rss", run)
	run.Task = charm.Cleanup
	m.MaintenanceEnded(run)
	m.SetUnarmed(1)
	m.Repaired("dead_claim")
	m.WorkerStarted(3 * time.Millisecond)
	m.WorkerEnded("crashed")
	m.Requested("sent", 503, 100, 7, time.Second)
	m.Committed(3, 4, time.Millisecond, nil)
	m.Checkpointed(time.Millisecond)
	m.RegistryWrote(2)
	m.Served("GET /api/v1/status", 200, time.Millisecond)
	m.Refreshed("google", "refused")
	m.Answered("forged")
}

var now = Snapshot{
	Version: "1.2.3", StartedAt: time.Unix(1700000000, 0), Restarts: 4, NotReady: 2,
	Charms: map[string]int{"pending": 3, "disabled": 2}, DisabledBy: map[charm.DisabledBy]int{charm.ByPerson: 2},
	Queue:    QueueDepth{Due: 5, Later: 6, Running: 7, Retries: 1, OldestDue: 90 * time.Second},
	Workers:  WorkerCounts{Busy: 1, Idle: 2, Starting: 3, Waiting: 4, ResidentBytes: 5 << 20},
	Wire:     WireCounts{Connections: 3, Subscriptions: 20, Committed: 100, Conflicts: 7, Refused: 5, Slow: 1},
	Accounts: map[string]map[charm.ConnectionState]int{"google": {charm.Disconnected: 3}}, AccountEnds: new(90 * time.Minute),
	HeldHosts: 8, CertificateEnds: time.Unix(1_800_000_000, 0), StoreHealthy: true, DatabaseBytes: 4096, LogBytes: 8192,
}

func newMetrics() *Metrics { return NewMetrics(func() Snapshot { return now }) }

func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range Table() {
		if seen[m.Name] || !strings.HasPrefix(m.Name, "charmd_") {
			t.Errorf("%s is there twice, or not ours", m.Name)
		}
		seen[m.Name] = true
		if !strings.HasSuffix(m.Help, ".") || m.Unit == "" {
			t.Errorf("%s: help %q, unit %q", m.Name, m.Help, m.Unit)
		}
		if (m.counted == nil) == (m.read == nil) || (m.buckets != nil) != (m.Type == Histogram) || !slices.IsSorted(m.buckets) {
			t.Errorf("%s is not counted or read, or its buckets are not right", m.Name)
		}
		if named := regexp.MustCompile("_(seconds|bytes)(_total)?$").FindStringSubmatch(m.Name); (named != nil) != (m.Unit == "seconds" || m.Unit == "bytes") ||
			named != nil && named[1] != m.Unit {
			t.Errorf("%s has the unit %s", m.Name, m.Unit)
		}
		for _, l := range m.Labels {
			if slices.Contains([]string{"charm", "space", "host", "pid", "run", "job", "url"}, l.Name) {
				t.Errorf("%s has a label %s, which grows with what people do", m.Name, l.Name)
			}
		}
	}
}

func TestExactlyTheTableComesOut(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	everything(m)
	text := scrape(t, m)
	want := map[string]string{}
	for _, row := range Table() {
		want[row.Name] = string(row.Type) + ": " + row.Help
	}
	got := map[string]string{}
	for _, line := range regexp.MustCompile(`(?m)^# HELP (charmd_\S+) (.*)\n# TYPE \S+ (\S+)$`).FindAllStringSubmatch(text, -1) {
		got[line[1]] = line[3] + ": " + line[2]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-table +scraped)\n%s", diff)
	}
	if strange := regexp.MustCompile(`(?m)^# TYPE (\S+)`).FindAllStringSubmatch(text, -1); slices.ContainsFunc(strange, func(s []string) bool {
		return !regexp.MustCompile("^(charmd|go|process)_").MatchString(s[1])
	}) {
		t.Errorf("there are others: %v", strange)
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// Every name is there before anything has happened, but for those whose labels
// nobody knows before, and a time that is yet to come.
func TestNamesAreThereFromTheStart(t *testing.T) {
	t.Parallel()
	text := scrape(t, newMetrics())
	later := []string{"charmd_runs_total", "charmd_account_refreshes_total", "charmd_http_requests_total", "charmd_http_request_duration_seconds", "charmd_maintenance_last_success_timestamp_seconds"}
	for _, m := range Table() {
		if strings.Contains(text, "# HELP "+m.Name+" ") == slices.Contains(later, m.Name) {
			t.Errorf("%s is there from the start, or should be", m.Name)
		}
	}
	for _, line := range []string{`charmd_maintenance_runs_total{outcome="timeout",task="cleanup"} 0`, `charmd_egress_requests_total{status="5xx",verdict="sent"} 0`} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}

// TestValues tells of one of everything and wants to read it.
func TestValues(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	everything(m)
	m.RunEnded("", charm.Run{Outcome: charm.TimedOut, DueAt: time.Unix(9, 0), StartedAt: time.Unix(8, 0), EndedAt: time.Unix(9, 0)})
	m.RunEnded("rss", charm.Run{Outcome: charm.Lost, StartedAt: time.Unix(8, 0), EndedAt: time.Unix(9000, 0)})
	m.Committed(1, 1, 0, errors.New("disk full"))
	m.Requested("refused", 0, 0, 0, 0)
	m.Requested("sent", 777, 0, 0, 0)
	m.MaintenanceEnded(charm.Run{Task: charm.Cleanup, Outcome: charm.TimedOut, EndedAt: time.Unix(900, 0)})
	m.Served("", 401, 0)
	text := scrape(t, m)
	for _, line := range []string{
		`charmd_runs_total{integration="rss",outcome="ok"} 1`,
		`charmd_runs_total{integration="none",outcome="timeout"} 1`,
		`charmd_runs_total{integration="rss",outcome="lost"} 1`,
		`charmd_run_duration_seconds_sum{result="ok"} 3`,
		`charmd_run_duration_seconds_sum{result="failed"} 1`,
		`charmd_run_duration_seconds_count{result="other"} 0`,
		`charmd_run_lateness_seconds_sum 2`,
		`charmd_run_lateness_seconds_count 2`,
		`charmd_run_cpu_seconds_total 0.04`,
		`charmd_run_peak_memory_bytes_count 1`,
		`charmd_run_conflicts_total 2`,
		`charmd_queue_jobs{state="due"} 5`,
		`charmd_queue_jobs{state="later"} 6`,
		`charmd_queue_jobs{state="running"} 7`,
		`charmd_queue_oldest_due_seconds 90`,
		`charmd_queue_retries 1`,
		`charmd_charms{status="pending"} 3`,
		`charmd_disabled_charms{by="person"} 2`,
		`charmd_disabled_charms{by="failures"} 0`,
		`charmd_unarmed_charms 1`,
		`charmd_reconciler_repairs_total{kind="dead_claim"} 1`,
		`charmd_reconciler_repairs_total{kind="rivals"} 0`,
		`charmd_workers{state="starting"} 3`,
		`charmd_worker_ends_total{reason="crashed"} 1`,
		`charmd_egress_requests_total{status="5xx",verdict="sent"} 1`,
		`charmd_egress_requests_total{status="none",verdict="refused"} 1`,
		`charmd_egress_requests_total{status="other",verdict="sent"} 1`,
		`charmd_egress_received_bytes_total 100`,
		`charmd_egress_sent_bytes_total 7`,
		`charmd_egress_held_hosts 8`,
		`charmd_memory_connections 3`,
		`charmd_memory_subscriptions 20`,
		`charmd_memory_transactions_total{result="ok"} 100`,
		`charmd_memory_transactions_total{result="conflict"} 7`,
		`charmd_memory_transactions_total{result="refused"} 5`,
		`charmd_memory_slow_connections_total 1`,
		`charmd_store_commits_total{result="ok"} 1`,
		`charmd_store_commits_total{result="error"} 1`,
		`charmd_store_facts_total 4`,
		`charmd_store_group_members_sum 3`,
		`charmd_store_healthy 1`,
		`charmd_maintenance_runs_total{outcome="timeout",task="cleanup"} 1`,
		`charmd_maintenance_last_success_timestamp_seconds{task="cleanup"} 105`,
		`charmd_http_requests_total{route="refused",status="4xx"} 1`,
		`charmd_start_time_seconds 1.7e+09`,
		`charmd_restarts_total 4`,
		`charmd_ready 0`,
		`charmd_not_ready_reasons 2`,
		`charmd_certificate_expiry_timestamp_seconds 1.8e+09`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, "{")
			name, _, _ = strings.Cut(name, " ")
			t.Errorf("no %s\n%s", line, strings.Join(regexp.MustCompile("(?m)^"+name+".*").FindAllString(text, -1), "\n"))
		}
	}
}

// TestNobodyMakesSeriesWithoutEnd has a thousand integrations, names that are not
// text, and reasons that the table does not know.
func TestNobodyMakesSeriesWithoutEnd(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	for i := range 1000 {
		m.RunEnded(fmt.Sprintf("integration-%d", i), charm.Run{Outcome: charm.OK})
		m.RunEnded(fmt.Sprintf("\xff%d\n\"", i), charm.Run{Outcome: charm.Outcome(fmt.Sprint(i))})
		m.RunEnded(strings.Repeat("ü", 1000)+fmt.Sprint(i), charm.Run{Outcome: charm.OK})
		m.WorkerEnded(fmt.Sprint("reason ", i))
		m.Repaired(fmt.Sprint("kind ", i))
		m.Requested(fmt.Sprint("verdict ", i), i, 0, 0, 0)
		m.Served(fmt.Sprint("GET /", i), i, 0)
		m.MaintenanceEnded(charm.Run{Task: charm.Task(fmt.Sprint(i)), Outcome: charm.OK})
	}
	m.RunEnded("integration-7", charm.Run{Outcome: charm.OK})
	text := scrape(t, m)
	series := map[string]int{}
	for _, line := range regexp.MustCompile(`(?m)^(charmd_[a-z_]+)(\{.*\})? \S+$`).FindAllStringSubmatch(text, -1) {
		series[line[1]]++
		if len(line[2]) > 200 {
			t.Errorf("the labels are %d bytes long: %s", len(line[2]), line[0])
		}
	}
	for name, n := range series {
		if n > 1200 {
			t.Errorf("%s has %d series", name, n)
		}
	}
	for name, want := range map[string]int{"charmd_runs_total": 2 * (mostValues + 1), "charmd_worker_ends_total": 10, "charmd_reconciler_repairs_total": 10} {
		if series[name] > want {
			t.Errorf("%s has %d series, want at most %d", name, series[name], want)
		}
	}
	for _, line := range []string{
		`charmd_runs_total{integration="integration-7",outcome="ok"} 2`,
		`charmd_worker_ends_total{reason="other"} 1000`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}

// TestCountedFromManyGoroutines is for the race detector, and loses nothing.
func TestCountedFromManyGoroutines(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	const goroutines, times = 8, 200
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for i := range times {
				everything(m)
				m.RunEnded(fmt.Sprint("g", g, i%60), charm.Run{Outcome: charm.OK})
				if i%50 == 0 {
					scrape(t, m)
				}
			}
		})
	}
	all.Wait()
	want := fmt.Sprintf("\ncharmd_runs_total{integration=\"rss\",outcome=\"ok\"} %d\n", goroutines*times)
	if text := scrape(t, m); !strings.Contains(text, want) {
		t.Errorf("no %s", want)
	}
}

// BenchmarkRun is what one run costs to be counted: itself, and its part of a
// transaction.
func BenchmarkRun(b *testing.B) {
	m := newMetrics()
	run := charm.Run{Outcome: charm.OK, StartedAt: time.Unix(2, 0), EndedAt: time.Unix(3, 0), CPU: time.Millisecond, PeakBytes: 1 << 20}
	b.ReportAllocs()
	for b.Loop() {
		m.RunEnded("rss", run)
		m.Committed(1, 1, time.Millisecond, nil)
	}
}

func BenchmarkScrape(b *testing.B) {
	m := newMetrics()
	everything(m)
	h := m.Handler(slog.New(slog.DiscardHandler))
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil))
	}
}
