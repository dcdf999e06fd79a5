//go:build linux

package pool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/wire"

	"github.com/google/go-cmp/cmp"
)

func TestARunReadsAndChangesWhatItIsGiven(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	host := &fakeHost{program: func(id string) (string, error) { return "program of " + id, nil }}
	task := script("need b c", "code ba4jc", "change a", "change c", "log bye")
	task.Documents = []wire.Document{{ID: "a", Text: []byte("{}")}}
	before := time.Now()
	result, e := p.Run(t.Context(), task, amply, host)
	if e.Kind != Done || e.Dispatched.Before(before) || e.Ended.Before(e.Dispatched) || e.PeakRSS < 1<<20 {
		t.Errorf("exit %+v", e)
	}
	changed := []byte(`{"value":1}`)
	want := wire.Result{Run: "run-1", Ended: wire.Finished, Read: []string{"a", "b", "c"}, Changed: []wire.Document{{ID: "a", Text: changed}, {ID: "c", Text: changed}}}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`b={"value":"b"}`, `c={"value":"c"}`, "program of ba4jc", "bye"}, host.logged()); diff != "" {
		t.Error(diff)
	}
}

func TestEndingsThatTheWorkerSpeaksOf(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	tests := []struct {
		words string
		want  ExitKind
	}{
		{"ended out_of_memory", OutOfMemory},
		{"ended ended timeout", TimedOut},
		{"ended ended host", Done},
		{"ended never_settles", Done},
	}
	for _, tt := range tests {
		if _, e := p.Run(t.Context(), script(tt.words), amply, &fakeHost{}); e.Kind != tt.want {
			t.Errorf("%s: %+v", tt.words, e)
		}
	}
	if s := p.Status(); len(s) != 1 || s[0].Runs != len(tests) {
		t.Errorf("a worker was replaced: %+v", s)
	}
}

func TestAnswersAreCutToTheSizeOfOne(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	big := append(append([]byte(`{"value":"`), bytes.Repeat([]byte("x"), charm.MaxReplyBytes)...), '"', '}')
	host := &fakeHost{documents: func(context.Context, []string) ([]wire.Document, error) {
		return []wire.Document{{ID: "extra"}, {ID: "b", Text: big}, {ID: "a", Text: big}}, nil
	}}
	task := script("need a b extra")
	task.Documents = []wire.Document{{ID: "sent ahead", Text: big}}
	result, e := p.Run(t.Context(), task, amply, host)
	if diff := cmp.Diff([]string{"a"}, result.Read); e.Kind != Done || diff != "" {
		t.Error(e, diff)
	}
}

func TestAHostThatCannotAnswerEndsTheRun(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	broken := &fakeHost{
		documents: func(context.Context, []string) ([]wire.Document, error) { return nil, errors.New("disk on fire") },
		program:   func(string) (string, error) { return "", errors.New("never compiled") },
	}
	result, e := p.Run(t.Context(), script("need a", "code ba4jc"), amply, broken)
	if e.Kind != Done || result.Reason == nil || result.Reason.Message != "disk on fire" {
		t.Errorf("%+v, %+v", result, e)
	}
	if diff := cmp.Diff([]string{"never compiled"}, broken.logged()); diff != "" {
		t.Error(diff)
	}
	forgetful := &fakeHost{documents: func(context.Context, []string) ([]wire.Document, error) { return nil, nil }}
	if result, _ := p.Run(t.Context(), script("need a"), amply, forgetful); result.Reason == nil {
		t.Errorf("%+v", result)
	}
}

func TestFetchesRunBesideEachOther(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	both := make(chan struct{})
	var waiting atomic.Int32
	host := &fakeHost{fetch: func(_ context.Context, f wire.Fetch) wire.Reply {
		if waiting.Add(1) == 2 {
			close(both)
		}
		<-both
		return wire.Reply{Status: 200, Body: []byte(f.URL)}
	}}
	_, e := p.Run(t.Context(), script("fetch http://a", "fetch http://b", "reply", "reply"), amply, host)
	lines := host.logged()
	if e.Kind != Done || len(lines) != 2 || lines[0] == lines[1] {
		t.Errorf("%+v %q", e, lines)
	}
}

func TestARunIsOverWhenItsRequestsAre(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	var returned atomic.Int32
	host := &fakeHost{fetch: func(ctx context.Context, _ wire.Fetch) wire.Reply {
		<-ctx.Done()
		returned.Add(1)
		return wire.Reply{}
	}}
	for _, words := range [][]string{{"fetch http://a"}, {"fetch http://a", "cancel"}, {"fetch http://a", "die x"}} {
		returned.Store(0)
		p.Run(t.Context(), script(words...), amply, host)
		if returned.Load() != 1 {
			t.Errorf("%q: the run was over before its request", words)
		}
	}
}

func TestAReplyThatIsTooLargeBecomesAnError(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	host := &fakeHost{fetch: func(context.Context, wire.Fetch) wire.Reply {
		return wire.Reply{Status: 200, Body: make([]byte, 40<<20)}
	}}
	_, e := p.Run(t.Context(), script("fetch http://a", "reply"), amply, host)
	if lines := host.logged(); e.Kind != Done || len(lines) != 1 || !strings.Contains(lines[0], "larger than allowed") {
		t.Errorf("%+v %q", e, lines)
	}
}

func TestATaskThatIsTooLargeHurtsNobody(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	task := script()
	task.Event = append(append([]byte(`"`), bytes.Repeat([]byte("x"), wire.MaxHeadBytes)...), '"')
	if _, e := p.Run(t.Context(), task, amply, &fakeHost{}); e.Kind != NotDispatched {
		t.Errorf("%+v", e)
	}
	works(t, p)
	if s := p.Status(); len(s) != 1 || s[0].Runs != 1 {
		t.Errorf("%+v", s)
	}
}

func TestFault07_FramesThatAreNotAllowedKillTheWorker(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	tests := []struct{ name, detail string }{
		{"run run-2", "run-2"},
		{"change secret", "secret"},
		{"read secret", "secret"},
		{"code another", "another"},
		{"hello", "Hello"},
		{"compiled", "Compiled"},
		{"cancel", "cancels request 0"},
		{"biglog", "bytes of log"},
		{"skip; need a", "question 2 for documents where number 1 is due"},
		{"again; need a", "question 0 for documents where number 1 is due"},
		{fmt.Sprint("needs ", charm.MaxDocumentsPerRun+1), "more than 50000 documents"},
		{"raw 00000000000000000000", "unknown type"},
		{"raw ffffffff4700000000", "at most"},
		{"raw 000000070100000002" + "7b7d", "from the worker"},
		{"raw 000000074600000002" + "5b5d", "not an object"},
	}
	for _, tt := range tests {
		words := strings.Split(tt.name, "; ")
		if strings.HasPrefix(tt.name, "raw") {
			words = append(words, "hang")
		}
		host := &fakeHost{program: func(string) (string, error) { return "", nil }}
		result, e := p.Run(t.Context(), script(words...), amply, host)
		if e.Kind != Protocol || !strings.Contains(e.Detail, tt.detail) {
			t.Errorf("%s: %s %q", tt.name, e.Kind, e.Detail)
		}
		if result.Run != "" {
			t.Errorf("%s: a result came out: %+v", tt.name, result)
		}
		works(t, p)
	}
}

func TestFault07_HalfAFrameAtTheEnd(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	_, e := p.Run(t.Context(), script("raw 0000ffff46", "exit"), amply, &fakeHost{})
	if e.Kind != Protocol || !strings.Contains(e.Detail, "middle of a message") {
		t.Errorf("%+v", e)
	}
}

func TestFault07_ASecondResultIsNoResultOfTheNextRun(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	if _, e := p.Run(t.Context(), script("twice"), amply, &fakeHost{}); e.Kind != Done {
		t.Errorf("%+v", e)
	}
	task := script()
	task.Run = "run-2"
	// Either the worker is dead already and the task goes to the next one, or it
	// dies with this task; in no case is the old result that of the new run.
	if result, e := p.Run(t.Context(), task, amply, &fakeHost{}); e.Kind == Done && result.Run != "run-2" {
		t.Errorf("%+v %+v", result, e)
	}
	works(t, p)
}

func TestDeathsAreNamed(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1})
	tests := []struct {
		words  string
		kind   ExitKind
		detail string
	}{
		{"exit", Crashed, "exited with status 0"},
		{"panic", Crashed, "panic: something broke"},
		{"die \x1b[31mred", Crashed, "[31mred"},
		{"die fatal error: stack overflow", Crashed, "fatal error: stack overflow"},
		{"die fatal error: runtime: out of memory", OutOfMemory, "out of memory"},
		{"die runtime: cannot allocate memory", OutOfMemory, "cannot allocate memory"},
	}
	for _, tt := range tests {
		_, e := p.Run(t.Context(), script(tt.words), amply, &fakeHost{})
		if e.Kind != tt.kind || !strings.Contains(e.Detail, tt.detail) || strings.Contains(e.Detail, "\x1b") {
			t.Errorf("%s: %s %q", tt.words, e.Kind, e.Detail)
		}
		if e.PeakRSS < 1<<20 {
			t.Errorf("%s: peak memory %d", tt.words, e.PeakRSS)
		}
	}
}

func TestFiftyTasksOnTwoWorkers(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 2})
	var now, most atomic.Int32
	host := &fakeHost{documents: func(_ context.Context, ids []string) ([]wire.Document, error) {
		defer now.Add(-1)
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		return []wire.Document{{ID: ids[0]}}, nil
	}}
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			task := script(fmt.Sprintf("need doc%d", i))
			task.Run = fmt.Sprintf("run-%d", i)
			result, e := p.Run(t.Context(), task, amply, host)
			if e.Kind != Done || result.Run != task.Run || result.Read[0] != fmt.Sprintf("doc%d", i) {
				t.Errorf("%s: %+v %+v", task.Run, result, e)
			}
		})
	}
	all.Wait()
	total := 0
	for _, s := range p.Status() {
		total += s.Runs
	}
	if total != 50 || most.Load() > 2 {
		t.Errorf("%d tasks, %d at once", total, most.Load())
	}
}
