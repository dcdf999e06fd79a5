package prelude_test

import (
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var corpusSeed = flag.Uint64("corpus.seed", 0, "seed of the corpus's events and edits; 0 takes a new one")

// life is what one recipe of the corpus lives through, beside a plain model of what must be in its
// cells.
type life struct {
	// event makes the next event, and the model what follows from it.
	event func() any
	// edit, if there is one, changes the model and says what somebody else writes into the process
	// document.
	edit func() (path []string, value any)
	// want is what the result must hold, by key; "page" is the text of the page.
	want func() map[string]any
}

// Every recipe of testdata/corpus runs 50 cycles (CHARMD_CORPUS_CYCLES) of events with edits by
// others between them, and its cells are compared with the model's after each.
func TestCorpus(t *testing.T) {
	t.Parallel()
	cycles := 50
	if text := os.Getenv("CHARMD_CORPUS_CYCLES"); text != "" {
		n, err := strconv.Atoi(text)
		check(t, err)
		cycles = n
	}
	seed := *corpusSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed: -corpus.seed=%d", seed)
	files, err := filepath.Glob("testdata/corpus/*.tsx")
	check(t, err)
	if len(files) != len(lives) || len(files) < 25 {
		t.Fatalf("%d recipes, %d models", len(files), len(lives))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".tsx")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin, ok := lives[name]
			if !ok {
				t.Fatal("there is no model of it")
			}
			source := read(t, file)
			own := fnv.New64a()
			_, _ = own.Write([]byte(name))
			live(t, source, func(h *host) life { return begin(rand.New(rand.NewPCG(seed, own.Sum64())), h) }, cycles)
		})
	}
}

// live runs a recipe for some cycles beside its model.
func live(t *testing.T, source string, begin func(h *host) life, cycles int) {
	t.Helper()
	m := load(t, source, newHost())
	if !m.loaded.OK {
		t.Fatalf("loading: %+v", m.loaded.Error)
	}
	l := begin(m.host)
	if r := m.cast(t, "corpus", map[string]any{}); len(r.Failures)+len(r.rejections) > 0 {
		t.Fatalf("cast: %v %v", r.Failures, r.rejections)
	}
	for n := range cycles {
		if l.edit != nil {
			if path, value := l.edit(); path != nil {
				m.write(t, processID("corpus"), path, value)
			}
		}
		event := l.event()
		plain := m.awake(t, event)
		r := m.send(t, "corpus", "bgUpdater", event)
		if diff := cmp.Diff(plain, m.docs); diff != "" {
			t.Fatalf("cycle %d, %s: rows that sleep (-awake +asleep):\n%s", n, encoded(event), diff)
		}
		if !r.Handled || len(r.Failures)+len(r.rejections) > 0 {
			t.Fatalf("cycle %d, %s: %+v %v", n, encoded(event), r, r.rejections)
		}
		var want map[string]any
		decode(t, encoded(l.want()), &want)
		got := map[string]any{}
		for key := range want {
			if key == "page" {
				page, _ := m.live(t, charmID("corpus").Link(), []string{"$UI"})
				got[key] = pageText(page)
			} else if value, ok := m.live(t, charmID("corpus").Link(), []string{key}); ok {
				got[key] = value
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("cycle %d, %s (-model +cells):\n%s", n, encoded(event), diff)
		}
	}
}

// awake is what the documents would be if no row slept.
func (m *machine) awake(t *testing.T, event any) map[string]string {
	before, memos, now, entropy := m.docs, m.memos, m.now, m.entropy
	m.docs, m.memos, m.wakeful = maps.Clone(before), map[string]*memory{}, true
	m.send(t, "corpus", "bgUpdater", event)
	after := m.docs
	m.docs, m.memos, m.now, m.entropy, m.wakeful = before, memos, now, entropy, false
	return after
}

// pageText is the text that a page shows.
func pageText(v any) string {
	var out strings.Builder
	switch v := v.(type) {
	case map[string]any:
		return pageText(v["children"])
	case []any:
		for _, child := range v {
			out.WriteString(pageText(child))
		}
	case nil:
	default:
		fmt.Fprint(&out, v)
	}
	return out.String()
}
