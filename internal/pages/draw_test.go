package pages

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/store"
)

func TestTreesAreBounded(t *testing.T) {
	t.Parallel()
	var size func(tr tree) int
	size = func(tr tree) int {
		n := 1
		for _, inner := range tr.Inner {
			n += size(inner)
		}
		return n
	}
	wide := make([][]int, 300)
	for i := range wide {
		wide[i] = make([]int, 300)
	}
	text, err := json.Marshal(map[string]any{"wide": wide, "deep": json.RawMessage(strings.Repeat("[", 400) + strings.Repeat("]", 400)), "long": strings.Repeat("ü", 5000)})
	if err != nil {
		t.Fatal(err)
	}
	tr := newTree(text)
	if n := size(tr); n > treeValues+2 {
		t.Errorf("%d values are shown", n)
	}
	for _, inner := range tr.Inner {
		switch {
		case inner.Key == "wide" && (len(inner.Inner) > treeMembers || inner.Open || inner.Sum != "300 items"):
			t.Errorf("a wide list shows %d items of %s, open %v", len(inner.Inner), inner.Sum, inner.Open)
		case inner.Key == "long" && (len(inner.Text) > treeText+30 || !strings.HasSuffix(inner.Text, "… (10.0 kB)")):
			t.Errorf("a long text is shown as %q", inner.Text)
		}
	}
	if broken := newTree([]byte("{")); broken.Kind != "text" || broken.Text != "{" {
		t.Errorf("what is no JSON is shown as %+v", broken)
	}
}

func TestPlotsOfTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 30, 0, time.UTC)
	at := func(ago time.Duration, runs, failed int64, late time.Duration) store.Minute {
		return store.Minute{Begin: now.Add(-ago).Truncate(time.Minute), Runs: runs, Failed: failed, Lateness: charm.Histogram(nil).Add(late)}
	}
	minutes := []store.Minute{
		at(2*time.Hour, 100, 0, time.Hour), at(59*time.Minute, 1, 0, 0), at(time.Minute, 4, 1, 100*time.Millisecond), at(0, 2, 2, time.Second),
	}
	runs, late := overTime(minutes, now, 60, time.Minute, "hour", "60 min ago")
	var got []string
	for i, b := range runs.Bars {
		if b.sum() > 0 {
			got = append(got, fmt.Sprintf("%d: %v of %v", i, b.Parts[1].Value, b.sum()))
		}
	}
	if want := "0: 0 of 1, 58: 1 of 4, 59: 2 of 2"; strings.Join(got, ", ") != want {
		t.Errorf("columns %v, want %s", got, want)
	}
	if most := late.Most(); most < 900 || most > 1200 {
		t.Errorf("at most %v ms late", most)
	}
	if n := strings.Count(string(runs.SVG()), "<rect"); n != 4 {
		t.Errorf("%d rectangles in %s", n, runs.SVG())
	}
	// The figures are added up, not changed.
	if again, _ := overTime(minutes, now, 4, 15*time.Minute, "", ""); again.Most() != 4 || minutes[2].Lateness.Count() != 1 {
		t.Errorf("in quarters at most %v", again.Most())
	}
}

func TestHowCharmsStand(t *testing.T) {
	t.Parallel()
	for want, c := range map[stand]api.Charm{
		{"running", "busy"}:      {Status: "running", State: api.State{LastOutcome: charm.Errored}},
		{"ok", "good"}:           {Status: "pending", State: api.State{LastOutcome: charm.OK}},
		{"out of memory", "bad"}: {Status: "pending", State: api.State{LastOutcome: charm.OutOfMemory}},
		{"remote", "uneasy"}:     {Status: "pending", State: api.State{LastOutcome: charm.Remote}},
		{"disabled", "soft"}:     {Status: "disabled", State: api.State{DisabledBy: charm.ByPerson}},
		{"disabled", "bad"}:      {Status: "disabled", State: api.State{DisabledBy: charm.ByFailures}},
		{"paused", "uneasy"}:     {Status: "paused"},
		{"unregistered", "soft"}: {Status: "unregistered", State: api.State{LastOutcome: charm.OK}},
		{"not run yet", "soft"}:  {Status: "pending"},
	} {
		if got := standing(c); got != want {
			t.Errorf("%s, %s: %v, want %v", c.Status, c.State.LastOutcome, got, want)
		}
	}
}

func TestFoundBySearch(t *testing.T) {
	t.Parallel()
	c := api.Charm{SpaceName: "feeds", Name: "news", Integration: "rss", Status: "disabled", CharmID: "baedreiabc"}
	for query, want := range map[string]bool{"": true, "NEWS": true, "feeds/new": true, "rss disabled": true, "abc": true, "news atom": false} {
		if found(c, query) != want {
			t.Errorf("%q finds it: %v", query, !want)
		}
	}
}

func TestWhoTakesGzip(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{"": false, "gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0": false, "deflate": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", header)
		if takesGzip(r) != want {
			t.Errorf("%q: %v", header, !want)
		}
	}
}

func TestAddressesAreEscaped(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]string{"home/a b": "/home/a%20b/inspect", "a?b/c#d": "/a%3Fb/c%23d/inspect", "home/ä/x": "/home/%C3%A4%2Fx/inspect"} {
		if got := address(ref, "/inspect"); got != want {
			t.Errorf("%s: %s, want %s", ref, got, want)
		}
	}
}
