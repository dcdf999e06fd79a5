package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
	"charmd/internal/notify"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// hook is a webhook that answers with the statuses it is given, then with 200.
type hook struct {
	mu      sync.Mutex
	answers []int
	taken   []notify.Notice // with 200
	asked   []time.Time
	headers []http.Header
}

func (h *hook) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	h.asked, h.headers = append(h.asked, time.Now()), append(h.headers, r.Header)
	status := http.StatusOK
	if len(h.answers) > 0 {
		status, h.answers = h.answers[0], h.answers[1:]
	}
	if status == http.StatusOK {
		var n notify.Notice
		if err := json.Unmarshal(body, &n); err != nil {
			return nil, err
		}
		h.taken = append(h.taken, n)
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Body: io.NopCloser(strings.NewReader("x"))}, nil
}

// kinds are the kinds of the notices taken, and the charms they are about.
func (h *hook) kinds() (kinds []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.taken {
		kind := string(n.Kind)
		if n.Charm != nil {
			kind += " " + n.Charm.Name
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

// world is a notifier on a real database in a bubble where time is virtual.
type world struct {
	t        *testing.T
	db       *sqlite.DB
	notifier *notify.Notifier
	hook     *hook
	log      *lines
	full     sync.Map // "" is there while the disk is full
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func inBubble(t *testing.T, fn func(w *world)) {
	t.Helper()
	path := sqlitetest.Path(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, hook: &hook{}, log: &lines{}}
		var err error
		w.db, err = sqlite.Open(context.Background(), path, sqlite.Options{
			Logger: slog.New(slog.DiscardHandler),
			Faults: func(p sqlite.Point) error {
				if _, full := w.full.Load(""); full && p == sqlite.Committing {
					return errors.New("no space left")
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := w.db.Close(); err != nil {
				t.Error(err)
			}
		}()
		w.make()
		fn(w)
	})
}

// make makes the notifier, as a start of the service does.
func (w *world) make() {
	w.t.Helper()
	var err error
	w.notifier, err = notify.New(notify.Options{
		Store: w.db, URL: "http://hooks.example/secret-path", Token: "let-me-in", Transport: w.hook, Link: func() string { return "http://127.0.0.1:8000" },
		Logger: slog.New(slog.NewTextHandler(w.log, nil)), Now: time.Now,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// run lets the notifier deliver, and returns how to stop it.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.notifier.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// tell writes a transition of a charm of that name.
func (w *world) tell(told state.Transition, name string) {
	w.t.Helper()
	c := charm.Charm{Space: "did:key:z6MkHome", SpaceName: "home", ID: "baedrei" + name, Name: name, Integration: "rss"}
	s := charm.State{ConsecutiveFailures: 5}
	if told == state.Disabled {
		s = state.Disable(s, charm.ByFailures, "failed 5 times in a row", time.Now())
	}
	run := charm.Run{Error: strings.Repeat("no feed ", 1000), Position: name + ".tsx:4:5"}
	if err := w.db.Update(context.Background(), func(tx store.Tx) error { return w.notifier.Transition(tx, told, c, s, run) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) waiting() (n int) {
	w.t.Helper()
	err := w.db.View(context.Background(), func(r store.Reader) error {
		_, err := r.FirstNotice()
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		n = 1
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestANoticeIsToldOnceAndInOrder(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		defer stop()
		started := time.Now()
		w.tell(state.Disabled, "a")
		w.tell(state.Disabled, "b")
		w.tell(state.None, "c")
		w.tell(state.Enabled, "a")
		time.Sleep(48 * time.Hour)
		if got := w.hook.kinds(); !slices.Equal(got, []string{"disabled a", "disabled b", "enabled a"}) || w.waiting() != 0 {
			t.Errorf("told: %v", got)
		}
		n := w.hook.taken[0]
		if n.Charm.SpaceName != "home" || n.Charm.CharmID != "baedreia" || n.Charm.Integration != "rss" || n.DisabledBy != charm.ByFailures ||
			n.Reason != "failed 5 times in a row" || n.Position != "a.tsx:4:5" || n.NextTry == nil || !n.NextTry.Equal(started.Add(charm.FirstProbe)) ||
			n.ConsecutiveFailures != 5 || n.URL != "http://127.0.0.1:8000/home/baedreia" || !n.At.Equal(started) || len(n.Error) > 1100 || n.ID == w.hook.taken[1].ID {
			t.Errorf("the notice is %+v", n)
		}
		if h := w.hook.headers[0]; h.Get("Authorization") != "Bearer let-me-in" || h.Get("Content-Type") != "application/json" || h.Get("Idempotency-Key") != n.ID {
			t.Errorf("it came with %v", h)
		}
		if last := w.hook.asked[2]; last.Sub(started) > time.Second {
			t.Errorf("the last was told after %v", last.Sub(started))
		}
	})
}

func TestAHookThatIsDownIsTriedAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		w.hook.answers = []int{500, 302, 404, 503, 500, 500, 500, 500, 500, 500}
		stop := w.run()
		defer stop()
		w.tell(state.Disabled, "a")
		w.tell(state.Disabled, "b")
		time.Sleep(2 * time.Hour)
		if got := w.hook.kinds(); !slices.Equal(got, []string{"disabled a", "disabled b"}) {
			t.Errorf("told: %v", got)
		}
		var waits []time.Duration
		for i := range 10 {
			waits = append(waits, w.hook.asked[i+1].Sub(w.hook.asked[i]).Round(time.Second))
		}
		want := []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300}
		for i := range want {
			want[i] *= time.Second
		}
		if !slices.Equal(waits, want) {
			t.Errorf("it was tried again after %v", waits)
		}
		if log := w.log.String(); strings.Contains(log, "secret-path") || strings.Contains(log, "let-me-in") || !strings.Contains(log, "it answered 302 Found") {
			t.Errorf("the log is %s", log)
		}
	})
}

// TestOverARestart stops between attempts: the wait goes on where it was, and
// what was told is not told again.
func TestOverARestart(t *testing.T) {
	inBubble(t, func(w *world) {
		w.hook.answers = []int{200, 500, 500, 500, 500}
		stop := w.run()
		w.tell(state.Disabled, "a")
		w.tell(state.Disabled, "b")
		time.Sleep(10 * time.Second) // b was tried after 0, 1, 3 and 7 seconds
		stop()
		w.make()
		stop = w.run()
		defer stop()
		time.Sleep(time.Hour)
		if got := w.hook.kinds(); !slices.Equal(got, []string{"disabled a", "disabled b"}) {
			t.Errorf("told: %v", got)
		}
		if n := len(w.hook.asked); n != 6 {
			t.Errorf("it was asked %d times", n)
		}
	})
}

func TestANoticeIsGivenUpAfterADay(t *testing.T) {
	inBubble(t, func(w *world) {
		w.hook.answers = slices.Repeat([]int{500}, 100_000)
		stop := w.run()
		defer stop()
		w.tell(state.Disabled, "a")
		time.Sleep(23 * time.Hour)
		w.tell(state.Disabled, "b")
		if w.waiting() == 0 {
			t.Fatal("given up too early")
		}
		time.Sleep(2 * time.Hour)
		w.hook.mu.Lock()
		w.hook.answers = nil
		w.hook.mu.Unlock()
		time.Sleep(time.Hour)
		if got := w.hook.kinds(); !slices.Equal(got, []string{"disabled b"}) || !strings.Contains(w.log.String(), "given up") {
			t.Errorf("told: %v; the log is %s", got, w.log)
		}
	})
}

func TestTheOutboxIsBounded(t *testing.T) {
	inBubble(t, func(w *world) {
		var first store.Notice
		err := w.db.Update(context.Background(), func(tx store.Tx) (err error) {
			for i := range 1003 {
				c := charm.Charm{Name: fmt.Sprint("number ", i)}
				if err := w.notifier.Transition(tx, state.Enabled, c, charm.State{}, charm.Run{}); err != nil {
					return err
				}
			}
			first, err = tx.FirstNotice()
			return err
		})
		if err != nil || !strings.Contains(first.Body, `"number 3"`) {
			t.Errorf("the first that is left is %s, %v", first.Body, err)
		}
		if n := strings.Count(w.log.String(), "the oldest notice is dropped"); n != 3 {
			t.Errorf("the log tells of it %d times", n)
		}
	})
}

// TestAFailedTransitionIsNotTold rolls the transaction of a transition back.
func TestAFailedTransitionIsNotTold(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		defer stop()
		undone := errors.New("undone")
		err := w.db.Update(context.Background(), func(tx store.Tx) error {
			if err := w.notifier.Transition(tx, state.Enabled, charm.Charm{Name: "a"}, charm.State{}, charm.Run{}); err != nil {
				return err
			}
			return undone
		})
		time.Sleep(time.Hour)
		if got := w.hook.kinds(); !errors.Is(err, undone) || len(got) > 0 {
			t.Errorf("told: %v, %v", got, err)
		}
	})
}

// TestTheServiceIsNotReady tells that the store cannot be written although that
// cannot be written either, and what came before and after once.
func TestTheServiceIsNotReady(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		defer stop()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go w.notifier.Watch(ctx, func() []string {
			if err := w.db.Health(); err != nil {
				return []string{"the store cannot write", "and more"}
			}
			return nil
		})
		w.tell(state.Disabled, "a")
		time.Sleep(time.Minute)
		w.hook.mu.Lock()
		w.hook.answers = []int{500}
		w.hook.mu.Unlock()
		w.full.Store("", true)
		_ = w.db.Update(context.Background(), func(tx store.Tx) error { return tx.SetValue("k", "v") }) // fails, which is noticed
		time.Sleep(10 * time.Minute)
		if got := w.hook.kinds(); !slices.Equal(got, []string{"disabled a", "not_ready"}) {
			t.Errorf("while the disk is full, told: %v", got)
		}
		w.full.Delete("")
		time.Sleep(10 * time.Minute)
		w.tell(state.Enabled, "a")
		time.Sleep(10 * time.Minute)
		if got := w.hook.kinds(); !slices.Equal(got, []string{"disabled a", "not_ready", "ready", "enabled a"}) {
			t.Errorf("told: %v", got)
		}
		if n := w.hook.taken[1]; n.Reason != "the store cannot write; and more" || n.Charm != nil || n.URL != "http://127.0.0.1:8000" {
			t.Errorf("the notice is %+v", n)
		}
	})
}

// What was told before a start is not told again after it, and its end is.
func TestReadyAfterAStartAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.run()
		defer func() { stop() }()
		watch := func(reasons ...string) {
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() {
				defer close(done)
				w.notifier.Watch(ctx, func() []string { return reasons })
			}()
			time.Sleep(time.Minute)
			cancel()
			<-done
			stop()
			w.make()
			stop = w.run()
		}
		for _, reasons := range [][]string{nil, {"no room"}, {"no room"}, nil, nil} {
			watch(reasons...)
		}
		if got := w.hook.kinds(); !slices.Equal(got, []string{"not_ready", "ready"}) {
			t.Errorf("told: %v", got)
		}
	})
}

func TestTry(t *testing.T) {
	inBubble(t, func(w *world) {
		n, err := w.notifier.Try(context.Background())
		if got := w.hook.kinds(); err != nil || n.ID == "" || !slices.Equal(got, []string{"test"}) || w.notifier.Hook() != "url" {
			t.Errorf("told: %v, %v", got, err)
		}
		w.hook.answers = []int{401}
		if _, err = w.notifier.Try(context.Background()); charm.CodeOf(err) != charm.CodeUnavailable || !strings.Contains(err.Error(), "it answered 401 Unauthorized") {
			t.Errorf("a refusal is %v", err)
		}
	})
}

func TestNoHook(t *testing.T) {
	t.Parallel()
	n, err := notify.New(notify.Options{Now: time.Now, Link: func() string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	n.Run(t.Context()) // return at once
	n.Watch(t.Context(), nil)
	if err := n.Transition(nil, state.Disabled, charm.Charm{}, charm.State{}, charm.Run{}); err != nil {
		t.Error(err)
	}
	if _, err := n.Try(t.Context()); charm.CodeOf(err) != charm.CodeInvalid || n.Hook() != "" {
		t.Errorf("trying nothing gave %v", err)
	}
}

// TestWebhooks posts to real servers that misbehave.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string // in the error; "" for none
	}{
		"takes it":   {func(http.ResponseWriter, *http.Request) {}, ""},
		"no content": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, ""},
		"sends much": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) }, ""},
		"refuses":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "it answered 403 Forbidden"},
		"redirects": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "it answered 307"},
		"hangs up":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"endless header": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, "exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(c.handler)
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.Start()
			t.Cleanup(server.Close)
			n, err := notify.New(notify.Options{URL: server.URL + "/secret-path", Link: func() string { return "" }, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			_, err = n.Try(t.Context())
			switch {
			case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			case err != nil && strings.Contains(err.Error(), "secret-path"):
				t.Errorf("the address is told: %v", err)
			}
		})
	}
}
