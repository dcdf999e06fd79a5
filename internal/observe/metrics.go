package observe

import (
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"charmd/internal/charm"
)

// Metrics counts what happens in the service, for Prometheus. Every metric is a
// row of the table. Its methods may be called from any goroutine and take about
// a microsecond; none of them blocks.
type Metrics struct {
	registry *prometheus.Registry

	runs, runCPU, conflicts             counter
	runSeconds, lateness, runMemory     histogram
	repairs                             counter
	unarmed                             gauge
	workerStarts                        histogram
	workerEnds                          counter
	requests, received, sent            counter
	requestSeconds                      histogram
	commits, facts                      counter
	commitSeconds, members, checkpoints histogram
	registryWrites                      counter
	served                              counter
	servedSeconds                       histogram
	maintenance                         counter
	maintained                          gauge
	refreshes, answers                  counter
}

// Snapshot is what is not counted as it happens but read at each scrape.
type Snapshot struct {
	Version   string
	StartedAt time.Time
	Restarts  int64
	NotReady  int // reasons for which the service cannot do its work

	CertificateEnds time.Time // zero without TLS

	Charms     map[string]int           // by status
	DisabledBy map[charm.DisabledBy]int // charms that are disabled
	Queue      QueueDepth
	Workers    WorkerCounts
	HeldHosts  int // no request goes to them until they have recovered

	Accounts    map[string]map[charm.ConnectionState]int // by provider
	AccountEnds *time.Duration                           // until the first that nothing can renew; nil when there is none

	Wire WireCounts

	StoreHealthy  bool
	DatabaseBytes int64
	LogBytes      int64 // of the write-ahead log
}

// QueueDepth is how much waits and runs.
type QueueDepth struct {
	Due, Later, Running int
	Retries             int           // among Due and Later
	OldestDue           time.Duration // how long the oldest of Due has waited
}

// WorkerCounts is what the worker processes do.
type WorkerCounts struct {
	Busy, Idle, Starting int
	Waiting              int   // tasks that wait for a worker
	ResidentBytes        int64 // of all of them, after their last tasks
}

// WireCounts is what clients of the memory do; all but the first two grow from the start.
type WireCounts struct {
	Connections, Subscriptions    int
	Committed, Conflicts, Refused int64 // transactions
	Slow                          int64 // connections that did not take what they had subscribed to
}

// NewMetrics makes the metrics of one service; read is called at each scrape.
func NewMetrics(read func() Snapshot) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newSnapshots(read),
	)
	for _, row := range table {
		if row.counted != nil {
			m.registry.MustRegister(row.counted(m).prepare(row))
		}
	}
	return m
}

// Handler answers scrapes.
func (m *Metrics) Handler(logger *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelError), MaxRequestsInFlight: 4,
	})
}

// RunEnded counts a run of a charm whose end is on disk. A lost run says nothing
// of how long it took or waited: nobody saw its end.
func (m *Metrics) RunEnded(integration string, run charm.Run) {
	if integration == "" {
		integration = "none"
	}
	m.runs.add(1, integration, string(run.Outcome))
	m.conflicts.add(float64(run.Conflicts))
	m.runCPU.add(run.CPU.Seconds())
	if run.PeakBytes > 0 {
		m.runMemory.observe(float64(run.PeakBytes))
	}
	if run.Outcome != charm.Lost {
		m.runSeconds.observe(run.Elapsed().Seconds(), resultOf(run.Outcome))
		m.lateness.observe(max(0, run.StartedAt.Sub(run.DueAt).Seconds()))
	}
}

// resultOf sums outcomes up, where each of them would be too much.
func resultOf(o charm.Outcome) string {
	switch {
	case o == charm.OK:
		return "ok"
	case o.CountsAsFailure():
		return "failed"
	}
	return "other"
}

// MaintenanceEnded counts a maintenance run whose end is on disk.
func (m *Metrics) MaintenanceEnded(run charm.Run) {
	m.maintenance.add(1, string(run.Task), string(run.Outcome))
	if run.Outcome == charm.OK {
		m.maintained.set(float64(run.EndedAt.UnixMilli())/1000, string(run.Task))
	}
}

// SetUnarmed notes how many charms the reconciler found with nothing that would
// make them run, though they should.
func (m *Metrics) SetUnarmed(charms int) { m.unarmed.set(float64(charms)) }

// Repaired counts a repair of the reconciler; kind is one of the table's.
func (m *Metrics) Repaired(kind string) { m.repairs.add(1, kind) }

// WorkerStarted counts a worker process that is ready; took is from its launch.
func (m *Metrics) WorkerStarted(took time.Duration) { m.workerStarts.observe(took.Seconds()) }

// WorkerEnded counts a worker process that is gone; reason is one of the table's.
func (m *Metrics) WorkerEnded(reason string) { m.workerEnds.add(1, reason) }

// Requested counts a charm's request that has ended; status is 0 when there was
// no reply.
func (m *Metrics) Requested(verdict string, status int, in, out int64, took time.Duration) {
	m.requests.add(1, verdict, class(status))
	m.received.add(float64(in))
	m.sent.add(float64(out))
	m.requestSeconds.observe(took.Seconds())
}

// class is the first digit of an HTTP status, as 2xx.
func class(status int) string {
	classes := [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}
	if i := status / 100; i >= 0 && i < len(classes) {
		return classes[i]
	}
	return other
}

// Committed counts a transaction of the store that so many members shared; took
// is what the disk needed for it.
func (m *Metrics) Committed(members, facts int, took time.Duration, err error) {
	if err != nil {
		m.commits.add(1, "error")
		return
	}
	m.commits.add(1, "ok")
	m.facts.add(float64(facts))
	m.members.observe(float64(members))
	m.commitSeconds.observe(took.Seconds())
}

// Checkpointed counts a copying of the write-ahead log into the database.
func (m *Metrics) Checkpointed(took time.Duration) { m.checkpoints.observe(took.Seconds()) }

// RegistryWrote counts documents written to the registry.
func (m *Metrics) RegistryWrote(documents int) { m.registryWrites.add(float64(documents)) }

// Served counts a request to the service's own HTTP side; route is its pattern,
// "" when it was refused before it found one.
func (m *Metrics) Served(route string, status int, took time.Duration) {
	if route == "" {
		route = "refused"
	}
	m.served.add(1, route, class(status))
	m.servedSeconds.observe(took.Seconds(), route)
}

// Refreshes are the outcomes of a refresh.
func Refreshes() []string { return []string{"ok", "refused", "failed"} }

// Answers are the results of a provider's answer.
func Answers() []string { return []string{"connected", "failed", "forged"} }

// Refreshed counts a token that was to be refreshed; outcome is one of Refreshes.
func (m *Metrics) Refreshed(provider, outcome string) { m.refreshes.add(1, provider, outcome) }

// Answered counts a provider's answer to a person's connecting; result is one of Answers.
func (m *Metrics) Answered(result string) { m.answers.add(1, result) }

// goVersion is of this program.
var goVersion = runtime.Version()
