package inside

import (
	"testing"
	"time"

	"charmd/internal/wire"
)

// In a replay, replies come in the order in which they came, whatever order the
// parent answers in, and timers when the run's clock says so.
func TestAReplayKeepsTheOrder(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		answers := map[string]wire.Reply{
			"http://slow":  {Status: 200, Order: 3, Elapsed: 2 * time.Hour},
			"http://quick": {Status: 200, Order: 1, Elapsed: 10 * time.Millisecond},
			"http://then":  {Status: 200, Order: 2, Elapsed: 5 * time.Millisecond},
			"http://never": {Never: true},
		}
		l.answer = func(f *wire.Fetch) *wire.Reply { reply := answers[f.URL]; return &reply }
		began := time.Now()
		r := l.do(`
			const seen = [], begin = host.now(), note = (what) => () => seen.push(what + "@" + (host.now() - begin));
			const slow = fetch("http://slow").then(note("slow"));
			fetch("http://quick").then(note("quick")).then(() => fetch("http://then")).then(note("then"));
			timer(12, note("12")); timer(3_600_000, note("hour")); timer(5, note("tick"), true);
			const id = last(); timer(24, () => host.cancel(id));
			await slow;
			save(seen)`, func(t *wire.Task) { t.Replay, t.Timeout = true, 10*time.Minute+3*time.Hour })
		if r.Ended != wire.Finished || len(r.Changed) != 1 {
			t.Fatalf("%+v %+v", r, r.Reason)
		}
		want := `{"value":["tick@5","tick@10","quick@10","12@12","tick@15","then@15","tick@20","hour@3600000","slow@7200000"]}`
		if got := string(r.Changed[0].Text); got != want {
			t.Errorf("%s", got)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// What was never answered is never answered, and ends as it did.
func TestAReplayOfWhatHungEnds(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.answer = func(*wire.Fetch) *wire.Reply { return &wire.Reply{Never: true} }
	began := time.Now()
	replay := func(t *wire.Task) { t.Replay, t.Timeout = true, time.Minute }
	for _, body := range []string{`await fetch("http://a")`, `timer(5, () => {}, true); await fetch("http://a")`, `timer(120_000, () => {}); await fetch("http://a")`} {
		if r := l.do(body, replay); r.Ended != wire.EndedEarly || r.Reason.Kind != wire.ReasonTimeout {
			t.Errorf("%s: %+v %+v", body, r, r.Reason)
		}
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}
