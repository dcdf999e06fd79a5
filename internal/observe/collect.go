package observe

import (
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// other stands for the values of a label beyond those it may have.
const other = "other"

// mostValues bounds the values of a label that is not a list known beforehand:
// what charms are registered by is text of anybody's.
const mostValues = 50

// mostValueBytes bounds the length of one.
const mostValueBytes = 64

// Label is one dimension of a metric.
type Label struct {
	Name   string
	Values []string // all it has; nil: the first mostValues there are, then other
}

// values keeps a label to the values it may have.
type values struct {
	closed bool
	mu     sync.RWMutex
	known  map[string]bool
}

func (v *values) bound(value string) string {
	v.mu.RLock()
	known := v.known[value]
	v.mu.RUnlock()
	switch {
	case known:
		return value
	case v.closed:
		return other
	}
	value = strings.ToValidUTF8(value, "?")
	if len(value) > mostValueBytes {
		value = strings.ToValidUTF8(value[:mostValueBytes], "")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.known[value] && len(v.known) >= mostValues {
		return other
	}
	v.known[value] = true
	return value
}

// labels is what the kinds of metrics that are counted as things happen share.
type labels []*values

func newLabels(row Metric) labels {
	list := make(labels, len(row.Labels))
	for i, l := range row.Labels {
		list[i] = &values{closed: l.Values != nil, known: map[string]bool{}}
		for _, v := range l.Values {
			list[i].known[v] = true
		}
	}
	return list
}

func (l labels) bound(given []string) []string {
	for i := range given {
		given[i] = l[i].bound(given[i])
	}
	return given
}

// preset calls show for what is to be seen before anything has happened, so that
// an increase from nothing is not missed: each value of its labels with each of the
// others. A label without a list has none yet.
func preset(row Metric, show func(...string)) {
	all := [][]string{nil}
	for _, l := range row.Labels {
		var longer [][]string
		for _, values := range all {
			for _, v := range l.Values {
				longer = append(longer, append(slices.Clone(values), v))
			}
		}
		all = longer
	}
	for _, values := range all {
		show(values...)
	}
}

func labelNames(row Metric) (list []string) {
	for _, l := range row.Labels {
		list = append(list, l.Name)
	}
	return list
}

// counted is a metric that changes when something happens.
type counted interface {
	prepare(row Metric) prometheus.Collector
}

type counter struct {
	labels labels
	vec    *prometheus.CounterVec
}

func (c *counter) prepare(row Metric) prometheus.Collector {
	c.labels, c.vec = newLabels(row), prometheus.NewCounterVec(prometheus.CounterOpts{Name: row.Name, Help: row.Help}, labelNames(row))
	preset(row, func(v ...string) { c.add(0, v...) })
	return c.vec
}

func (c *counter) add(n float64, v ...string) { c.vec.WithLabelValues(c.labels.bound(v)...).Add(n) }

type gauge struct {
	labels labels
	vec    *prometheus.GaugeVec
}

func (g *gauge) prepare(row Metric) prometheus.Collector {
	g.labels, g.vec = newLabels(row), prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: row.Name, Help: row.Help}, labelNames(row))
	if len(row.Labels) == 0 {
		g.set(0)
	}
	return g.vec
}

func (g *gauge) set(n float64, v ...string) { g.vec.WithLabelValues(g.labels.bound(v)...).Set(n) }

type histogram struct {
	labels labels
	vec    *prometheus.HistogramVec
}

func (h *histogram) prepare(row Metric) prometheus.Collector {
	h.labels = newLabels(row)
	h.vec = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: row.Name, Help: row.Help, Buckets: row.buckets}, labelNames(row))
	preset(row, func(v ...string) { h.vec.WithLabelValues(v...) })
	return h.vec
}

func (h *histogram) observe(n float64, v ...string) {
	h.vec.WithLabelValues(h.labels.bound(v)...).Observe(n)
}

// put tells the value of a metric, with the values of its labels.
type put func(n float64, labels ...string)

// snapshots is the metrics that are read at each scrape, all from one Snapshot.
type snapshots struct {
	take  func() Snapshot
	rows  []Metric
	descs []*prometheus.Desc
}

func newSnapshots(take func() Snapshot) *snapshots {
	s := &snapshots{take: take}
	for _, row := range table {
		if row.read != nil {
			s.rows = append(s.rows, row)
			s.descs = append(s.descs, prometheus.NewDesc(row.Name, row.Help, labelNames(row), nil))
		}
	}
	return s
}

// Describe implements prometheus.Collector.
func (s *snapshots) Describe(to chan<- *prometheus.Desc) {
	for _, d := range s.descs {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (s *snapshots) Collect(to chan<- prometheus.Metric) {
	now := s.take()
	for i, row := range s.rows {
		kind := prometheus.GaugeValue
		if row.Type == Counter {
			kind = prometheus.CounterValue
		}
		row.read(now, func(n float64, v ...string) {
			to <- prometheus.MustNewConstMetric(s.descs[i], kind, n, v...)
		})
	}
}
