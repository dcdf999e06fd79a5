package observe

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/metrics.md instead of comparing it")

func doc(name string) string { return filepath.Join("..", "..", "docs", name) }

// TestMetricsDocument keeps docs/metrics.md equal to the table:
// go test ./internal/observe -run TestMetricsDocument -update
func TestMetricsDocument(t *testing.T) {
	t.Parallel()
	want := metricsDocument()
	if *update {
		if err := os.WriteFile(doc("metrics.md"), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(doc("metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/metrics.md is stale; run this test with -update\n%s", diff)
	}
}

const metricsIntro = `# Metrics

` + "`GET /metrics`" + ` answers in the text format of Prometheus. Like every route it wants the service's token:

` + "```yaml" + `
scrape_configs:
  - job_name: charmd
    authorization:
      credentials_file: /path/to/charmd-data/admin.token
    static_configs:
      - targets: ["127.0.0.1:8000"]
` + "```" + `

This page is made from the program: ` + "`go test ./internal/observe -run TestMetricsDocument -update`" + `. Beside these come ` + "`go_…` and `process_…`" + ` of the service's own process (not of its workers). [grafana.json](grafana.json) is a dashboard of them, [alerts.yml](alerts.yml) has rules that are worth an alarm.

No label names a charm, a space or a host: ` + "`charmd list`, `show` and `runs`" + ` tell those apart. What counts, counts from 0 at the start of the daemon, unless it says otherwise.

`

func metricsDocument() string {
	var b strings.Builder
	b.WriteString(metricsIntro)
	b.WriteString("| metric | type | unit | labels | what |\n|---|---|---|---|---|\n")
	for _, m := range Table() {
		var labels []string
		for _, l := range m.Labels {
			text := "`" + l.Name + "`"
			if l.Values != nil {
				text += ": " + strings.Join(l.Values, ", ")
			}
			labels = append(labels, text)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", m.Name, m.Type, m.Unit, strings.Join(labels, "; "), m.Help)
	}
	fmt.Fprintf(&b, "\nA label without a list takes at most %d values of at most %d bytes in one life of the daemon; "+
		"what comes after them, or is in no list, counts as `%s`.\n", mostValues, mostValueBytes, other)
	return b.String()
}

// TestDashboardAndAlertsKnowTheMetrics finds the names that the table has not,
// and the labels that a metric has not.
func TestDashboardAndAlertsKnowTheMetrics(t *testing.T) {
	t.Parallel()
	table := map[string]Metric{}
	for _, m := range Table() {
		table[m.Name] = m
		if m.Type == Histogram {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				table[m.Name+suffix] = m
			}
		}
	}
	for _, name := range []string{"grafana.json", "alerts.yml"} {
		text, err := os.ReadFile(doc(name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".json") && !json.Valid(text) {
			t.Errorf("%s is not JSON", name)
		}
		used := regexp.MustCompile(`(charmd_[a-z0-9_]+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(string(text), -1)
		if len(used) < 8 {
			t.Errorf("%s names only %d metrics", name, len(used))
		}
		for _, u := range used {
			m, known := table[u[1]]
			if !known {
				t.Errorf("%s names %s, which is not there", name, u[1])
			}
			for _, label := range regexp.MustCompile(`([a-z]+)\s*(?:=~|!~|!=|=)`).FindAllStringSubmatch(u[2], -1) {
				if !slices.ContainsFunc(m.Labels, func(l Label) bool { return l.Name == label[1] }) {
					t.Errorf("%s asks for a label %s, which %s has not", name, label[1], u[1])
				}
			}
		}
	}
}
