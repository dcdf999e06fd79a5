package observe

import (
	"github.com/prometheus/client_golang/prometheus"

	"charmd/internal/charm"
)

// Type is how a metric is to be read.
type Type string

// The types.
const (
	Counter   Type = "counter"   // only grows, from 0 at the start of the daemon
	Gauge     Type = "gauge"     // the value as of now
	Histogram Type = "histogram" // how many values were at most so large
)

// Metric is one row of the table. No label names a charm, a space or a host, so
// that the number of series does not grow with what people add.
type Metric struct {
	Name   string
	Type   Type
	Unit   string // of the value, or of what is counted
	Labels []Label
	Help   string

	buckets []float64
	counted func(*Metrics) counted // changes as things happen
	read    func(Snapshot, put)    // or is read at each scrape
}

// Table lists every metric of the service itself, in the order of the
// documentation. Those of the Go runtime and of the process come beside them.
func Table() []Metric { return append([]Metric(nil), table...) }

// The buckets of times: from what a fast disk needs to the longest run.
var (
	waits  = []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60, 300, 600}
	quick  = []float64{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5}
	trips  = []float64{.01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60}
	delays = []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 30, 60, 300, 1800, 7200}
)

func closed[T ~string](name string, values ...T) Label {
	l := Label{Name: name}
	for _, v := range values {
		l.Values = append(l.Values, string(v))
	}
	return l
}

// statusLabel is the class of an HTTP status; none: there was no reply.
var statusLabel = closed("status", "none", "1xx", "2xx", "3xx", "4xx", "5xx", other)

// verdicts are how requests end, as package egress names it.
var verdicts = []string{"sent", "local", "refused", "limited", "failed", "canceled", "asked", "held_off"}

// table is every metric.
var table = []Metric{
	{Name: "charmd_runs_total", Type: Counter, Unit: "runs", Labels: []Label{{Name: "integration"}, closed("outcome", charm.Outcomes()...)},
		Help:    "Runs of charms that ended, by what the charm was registered for and how the run ended.",
		counted: func(m *Metrics) counted { return &m.runs }},
	{Name: "charmd_run_duration_seconds", Type: Histogram, Unit: "seconds", Labels: []Label{closed("result", "ok", "failed", "other")}, buckets: waits,
		Help:    "Wall time of runs. Failed: the charm's own fault; other: interrupted, or somebody else's.",
		counted: func(m *Metrics) counted { return &m.runSeconds }},
	{Name: "charmd_run_lateness_seconds", Type: Histogram, Unit: "seconds", buckets: delays,
		Help:    "How long after it was due a run was given to a worker.",
		counted: func(m *Metrics) counted { return &m.lateness }},
	{Name: "charmd_run_cpu_seconds_total", Type: Counter, Unit: "seconds",
		Help:    "Processor time that runs used in workers.",
		counted: func(m *Metrics) counted { return &m.runCPU }},
	{Name: "charmd_run_peak_memory_bytes", Type: Histogram, Unit: "bytes", buckets: prometheus.ExponentialBuckets(256<<10, 2, 10),
		Help:    "Most memory of the VM that a run used at a time.",
		counted: func(m *Metrics) counted { return &m.runMemory }},
	{Name: "charmd_run_conflicts_total", Type: Counter, Unit: "runs",
		Help:    "Times a run was made again because a document that it had read had changed meanwhile.",
		counted: func(m *Metrics) counted { return &m.conflicts }},

	{Name: "charmd_queue_jobs", Type: Gauge, Unit: "jobs", Labels: []Label{closed("state", "due", "later", "running")},
		Help: "Jobs that are due and wait, that are to run later, and that are claimed.",
		read: func(s Snapshot, p put) {
			p(float64(s.Queue.Due), "due")
			p(float64(s.Queue.Later), "later")
			p(float64(s.Queue.Running), "running")
		}},
	{Name: "charmd_queue_oldest_due_seconds", Type: Gauge, Unit: "seconds",
		Help: "How long the job that has waited longest has been due, 0 when none is.",
		read: func(s Snapshot, p put) { p(s.Queue.OldestDue.Seconds()) }},
	{Name: "charmd_queue_retries", Type: Gauge, Unit: "jobs",
		Help: "Jobs among those due and later that wait for another attempt.",
		read: func(s Snapshot, p put) { p(float64(s.Queue.Retries)) }},

	{Name: "charmd_charms", Type: Gauge, Unit: "charms", Labels: []Label{{Name: "status"}},
		Help: "Charms by status, as list shows it.",
		read: func(s Snapshot, p put) {
			for status, n := range s.Charms {
				p(float64(n), status)
			}
		}},
	{Name: "charmd_disabled_charms", Type: Gauge, Unit: "charms", Labels: []Label{closed("by", charm.ByFailures, charm.ByPermanent, charm.ByPerson)},
		Help: "Charms that are disabled, by what disabled them.",
		read: func(s Snapshot, p put) {
			for _, by := range []charm.DisabledBy{charm.ByFailures, charm.ByPermanent, charm.ByPerson} {
				p(float64(s.DisabledBy[by]), string(by))
			}
		}},
	{Name: "charmd_unarmed_charms", Type: Gauge, Unit: "charms",
		Help:    "Charms that should run and had nothing that would make them, when the reconciler last looked.",
		counted: func(m *Metrics) counted { return &m.unarmed }},
	{Name: "charmd_reconciler_repairs_total", Type: Counter, Unit: "repairs", Labels: []Label{closed("kind", repairKinds...)},
		Help:    "Repairs that the reconciler made, by what was wrong.",
		counted: func(m *Metrics) counted { return &m.repairs }},

	{Name: "charmd_workers", Type: Gauge, Unit: "processes", Labels: []Label{closed("state", "busy", "idle", "starting")},
		Help: "Worker processes by what they do.",
		read: func(s Snapshot, p put) {
			p(float64(s.Workers.Busy), "busy")
			p(float64(s.Workers.Idle), "idle")
			p(float64(s.Workers.Starting), "starting")
		}},
	{Name: "charmd_worker_waiting_tasks", Type: Gauge, Unit: "tasks",
		Help: "Runs and compilations that wait for a free worker.",
		read: func(s Snapshot, p put) { p(float64(s.Workers.Waiting)) }},
	{Name: "charmd_worker_resident_bytes", Type: Gauge, Unit: "bytes",
		Help: "Resident memory of all workers together, after their last tasks.",
		read: func(s Snapshot, p put) { p(float64(s.Workers.ResidentBytes)) }},
	{Name: "charmd_worker_start_duration_seconds", Type: Histogram, Unit: "seconds", buckets: quick,
		Help:    "Time from the launch of a worker process until it was ready.",
		counted: func(m *Metrics) counted { return &m.workerStarts }},
	{Name: "charmd_worker_ends_total", Type: Counter, Unit: "processes", Labels: []Label{closed("reason",
		"runs", "memory", "stopping", "timed_out", "out_of_memory", "crashed", "protocol", "cancelled", "not_started")},
		Help: "Worker processes that ended. After so many runs, or grown large, they are replaced (runs, memory); " +
			"not_started could not be launched; the others were killed or died.",
		counted: func(m *Metrics) counted { return &m.workerEnds }},

	{Name: "charmd_egress_requests_total", Type: Counter, Unit: "requests", Labels: []Label{closed("verdict", verdicts...), statusLabel},
		Help:    "Requests of charms, by how they ended and the class of the last reply's status.",
		counted: func(m *Metrics) counted { return &m.requests }},
	{Name: "charmd_egress_request_duration_seconds", Type: Histogram, Unit: "seconds", buckets: trips,
		Help:    "Time of charms' requests, redirects and body included.",
		counted: func(m *Metrics) counted { return &m.requestSeconds }},
	{Name: "charmd_egress_received_bytes_total", Type: Counter, Unit: "bytes",
		Help:    "Bodies of replies to charms, decompressed.",
		counted: func(m *Metrics) counted { return &m.received }},
	{Name: "charmd_egress_sent_bytes_total", Type: Counter, Unit: "bytes",
		Help:    "Bodies of charms' requests.",
		counted: func(m *Metrics) counted { return &m.sent }},
	{Name: "charmd_egress_held_hosts", Type: Gauge, Unit: "hosts",
		Help: "Hosts that get no requests for now, because they failed or asked for it.",
		read: func(s Snapshot, p put) { p(float64(s.HeldHosts)) }},

	{Name: "charmd_accounts", Type: Gauge, Unit: "accounts", Labels: []Label{{Name: "provider"}, closed("state", charm.Connected, charm.Disconnected)},
		Help: "Accounts that are connected to charms, and those that a person must connect again.",
		read: func(s Snapshot, p put) {
			for provider, states := range s.Accounts {
				for _, state := range []charm.ConnectionState{charm.Connected, charm.Disconnected} {
					p(float64(states[state]), provider, string(state))
				}
			}
		}},
	{Name: "charmd_account_refreshes_total", Type: Counter, Unit: "refreshes", Labels: []Label{{Name: "provider"}, closed("outcome", Refreshes()...)},
		Help: "Tokens that were to be refreshed, by how it went: ok; refused, so that a person must connect the account again; " +
			"failed, by the provider's fault or since the disk took nothing, and tried again.",
		counted: func(m *Metrics) counted { return &m.refreshes }},
	{Name: "charmd_account_ends_in_seconds", Type: Gauge, Unit: "seconds",
		Help: "Time until the first connected account ends whose access cannot be renewed, as its provider has said; absent when none does.",
		read: func(s Snapshot, p put) {
			if s.AccountEnds != nil {
				p(s.AccountEnds.Seconds())
			}
		}},
	{Name: "charmd_account_answers_total", Type: Counter, Unit: "answers", Labels: []Label{closed("result", Answers()...)},
		Help:    "Answers of providers to a person's connecting: connected; failed, also since the person refused; forged, which belong to no connecting that was begun.",
		counted: func(m *Metrics) counted { return &m.answers }},

	{Name: "charmd_memory_connections", Type: Gauge, Unit: "connections",
		Help: "WebSockets to the memory that are open.",
		read: func(s Snapshot, p put) { p(float64(s.Wire.Connections)) }},
	{Name: "charmd_memory_subscriptions", Type: Gauge, Unit: "subscriptions",
		Help: "Subscriptions of all connections.",
		read: func(s Snapshot, p put) { p(float64(s.Wire.Subscriptions)) }},
	{Name: "charmd_memory_transactions_total", Type: Counter, Unit: "transactions", Labels: []Label{closed("result", "ok", "conflict", "refused")},
		Help: "Signed transactions that came over the wire, by what they came to. Refused: no right, no room, or no transaction.",
		read: func(s Snapshot, p put) {
			p(float64(s.Wire.Committed), "ok")
			p(float64(s.Wire.Conflicts), "conflict")
			p(float64(s.Wire.Refused), "refused")
		}},
	{Name: "charmd_memory_slow_connections_total", Type: Counter, Unit: "connections",
		Help: "Connections that were closed since they did not take what they had subscribed to.",
		read: func(s Snapshot, p put) { p(float64(s.Wire.Slow)) }},

	{Name: "charmd_store_commits_total", Type: Counter, Unit: "transactions", Labels: []Label{closed("result", "ok", "error")},
		Help:    "Transactions of the database that wrote something.",
		counted: func(m *Metrics) counted { return &m.commits }},
	{Name: "charmd_store_commit_duration_seconds", Type: Histogram, Unit: "seconds", buckets: quick,
		Help:    "Time the disk needed to commit a transaction.",
		counted: func(m *Metrics) counted { return &m.commitSeconds }},
	{Name: "charmd_store_group_members", Type: Histogram, Unit: "members", buckets: prometheus.ExponentialBuckets(1, 2, 9),
		Help:    "How many callers shared one transaction.",
		counted: func(m *Metrics) counted { return &m.members }},
	{Name: "charmd_store_facts_total", Type: Counter, Unit: "facts",
		Help:    "States of documents written.",
		counted: func(m *Metrics) counted { return &m.facts }},
	{Name: "charmd_store_checkpoint_duration_seconds", Type: Histogram, Unit: "seconds", buckets: quick,
		Help:    "Time to copy the write-ahead log into the database.",
		counted: func(m *Metrics) counted { return &m.checkpoints }},
	{Name: "charmd_store_database_bytes", Type: Gauge, Unit: "bytes",
		Help: "Size of the database, without its log.",
		read: func(s Snapshot, p put) { p(float64(s.DatabaseBytes)) }},
	{Name: "charmd_store_log_bytes", Type: Gauge, Unit: "bytes",
		Help: "Size of the write-ahead log.",
		read: func(s Snapshot, p put) { p(float64(s.LogBytes)) }},
	{Name: "charmd_store_healthy", Type: Gauge, Unit: "0 or 1",
		Help: "Whether the last write succeeded.",
		read: func(s Snapshot, p put) { p(truth(s.StoreHealthy)) }},

	{Name: "charmd_registry_writes_total", Type: Counter, Unit: "documents",
		Help:    "Documents written to the registry.",
		counted: func(m *Metrics) counted { return &m.registryWrites }},
	{Name: "charmd_maintenance_runs_total", Type: Counter, Unit: "runs", Labels: []Label{taskLabel, closed("outcome", charm.Outcomes()...)},
		Help:    "Maintenance tasks that ended.",
		counted: func(m *Metrics) counted { return &m.maintenance }},
	{Name: "charmd_maintenance_last_success_timestamp_seconds", Type: Gauge, Unit: "seconds", Labels: []Label{taskLabel},
		Help:    "When the task last ended well, since 1970; absent until it did in this daemon.",
		counted: func(m *Metrics) counted { return &m.maintained }},

	{Name: "charmd_http_requests_total", Type: Counter, Unit: "requests", Labels: []Label{{Name: "route"}, statusLabel},
		Help:    "Requests to this service, by the pattern of their route (refused: before one was looked for).",
		counted: func(m *Metrics) counted { return &m.served }},
	{Name: "charmd_http_request_duration_seconds", Type: Histogram, Unit: "seconds", Labels: []Label{{Name: "route"}}, buckets: trips,
		Help:    "Time to answer them. Runs that are waited for are among them.",
		counted: func(m *Metrics) counted { return &m.servedSeconds }},

	{Name: "charmd_build_info", Type: Gauge, Unit: "1", Labels: []Label{{Name: "version"}, {Name: "goversion"}},
		Help: "Version of this program and of Go.",
		read: func(s Snapshot, p put) { p(1, s.Version, goVersion) }},
	{Name: "charmd_start_time_seconds", Type: Gauge, Unit: "seconds",
		Help: "When the service started, since 1970.",
		read: func(s Snapshot, p put) { p(float64(s.StartedAt.UnixMilli()) / 1000) }},
	{Name: "charmd_restarts_total", Type: Counter, Unit: "starts",
		Help: "Starts of the service after the first, kept with the data.",
		read: func(s Snapshot, p put) { p(float64(s.Restarts)) }},
	{Name: "charmd_ready", Type: Gauge, Unit: "0 or 1",
		Help: "Whether the service can do its work; readyz gives the reasons if not.",
		read: func(s Snapshot, p put) { p(truth(s.NotReady == 0)) }},
	{Name: "charmd_not_ready_reasons", Type: Gauge, Unit: "reasons",
		Help: "How many reasons there are why it cannot.",
		read: func(s Snapshot, p put) { p(float64(s.NotReady)) }},
	{Name: "charmd_certificate_expiry_timestamp_seconds", Type: Gauge, Unit: "seconds",
		Help: "When the certificate that this service speaks TLS with expires, since 1970; absent where it speaks none.",
		read: func(s Snapshot, p put) {
			if !s.CertificateEnds.IsZero() {
				p(float64(s.CertificateEnds.Unix()))
			}
		}},
}

// repairKinds are what the reconciler repairs: the queue's kinds of breaches.
var repairKinds = []string{
	"unarmed", "far_away", "stopped", "rivals", "dead_claim", "overdue", "lost_claim", "out_of_step", "not_in_store",
}

var taskLabel = closed("task", charm.Cleanup, charm.Stats, charm.Reset, charm.All)

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
