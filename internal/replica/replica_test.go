package replica_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/memory/server"
	"charmd/internal/merkle"
	"charmd/internal/recipe"
	"charmd/internal/replica"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

var (
	operator = identity.FromPassphrase("the operator of both")
	home     = operator.Derive("home").DID()
	quiet    = slog.New(slog.DiscardHandler)
)

func open(t testing.TB) *sqlite.DB {
	t.Helper()
	db := sqlitetest.Open(t, sqlite.Options{Logger: quiet})
	return db
}

// toolshed is the memory of another charmd, with what a replica asks it for besides.
type toolshed struct {
	t      testing.TB
	store  store.Store
	memory *memory.Memory
	http   *httptest.Server
	did    string

	mu     sync.Mutex
	blobs  map[string]string
	signed string // header of the last post
}

func newToolshed(t testing.TB) *toolshed {
	t.Helper()
	s := &toolshed{t: t, store: open(t), did: operator.DID(), blobs: map[string]string{}}
	s.memory = memory.New(s.store, operator.DID(), time.Now)
	wire := server.New(server.Options{Store: s.store, Memory: s.memory, Operator: operator.DID(), Logger: quiet, Now: time.Now})
	mux := http.NewServeMux()
	mux.Handle(frames.Path, wire)
	mux.HandleFunc("/api/meta", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"did":%q}`, s.did) })
	mux.HandleFunc("/api/storage/blobby/{key}", s.blob)
	s.http = httptest.NewServer(mux)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		wire.Close(ctx)
		s.http.Close()
	})
	s.put(home, "first", 0) // so that the space is there
	return s
}

func (s *toolshed) blob(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body)
		s.blobs[r.PathValue("key")], s.signed = string(body), r.Header.Get(frames.InvocationHeader)
		return
	}
	text, ok := s.blobs[r.PathValue("key")]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
	}
	fmt.Fprint(w, text)
}

// put makes n the value of a document, whoever else writes it.
func (s *toolshed) put(space, id string, n int) {
	s.t.Helper()
	err := s.store.Update(s.t.Context(), func(tx store.Tx) error {
		sp, err := tx.Space(space)
		if errors.Is(err, store.ErrNotFound) {
			sp = charm.Space{DID: space, CreatedAt: time.Now(), Since: -1}
			sp.Row, err = tx.PutSpace(sp)
		}
		if err != nil {
			return err
		}
		d, err := draft(tx, sp, id, n)
		if err == nil {
			_, err = s.memory.Commit(tx, d, nil)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// fill makes n documents in one transaction.
func (s *toolshed) fill(space string, n int) {
	s.t.Helper()
	changes := make([]memory.Change, n)
	for i := range changes {
		of, o := memory.Of(fmt.Sprint("doc", i)), jsontext.NewObject()
		o.Set("value", float64(i))
		changes[i] = memory.Assert(of, merkle.Unclaimed(memory.JSON, of), o)
	}
	d, err := memory.NewDraft(charm.Space{DID: space}, operator.DID(), changes, nil, time.Now())
	if err == nil {
		_, err = s.memory.Transact(s.t.Context(), d)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// draft is the transaction that makes n the value of a document.
func draft(r store.Reader, space charm.Space, id string, n int) (*memory.Draft, error) {
	v := memory.Version{The: memory.JSON, Of: memory.Of(id)}
	head, err := r.Head(space.Row, v.The, v.Of)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	v.Ref = merkle.Ref(head.Ref)
	o := jsontext.NewObject()
	o.Set("value", float64(n))
	return memory.NewDraft(space, operator.DID(), []memory.Change{memory.Assert(v.Of, v.Cause(), o)}, nil, time.Now())
}

func valueIn(t testing.TB, st store.Store, space, id string) (text string) {
	t.Helper()
	err := st.View(t.Context(), func(r store.Reader) error {
		sp, err := r.Space(space)
		if err != nil {
			return err
		}
		head, err := r.Head(sp.Row, memory.JSON, memory.Of(id))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		text = string(head.Is)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// copied is a service's side.
type copied struct {
	t       testing.TB
	store   store.Store
	memory  *memory.Memory
	replica *replica.Replica
	changed chan struct{}
}

func newCopy(s *toolshed, change ...func(*replica.Options)) *copied {
	s.t.Helper()
	c := &copied{t: s.t, store: open(s.t), changed: make(chan struct{}, 1)}
	c.memory = memory.New(c.store, operator.DID(), time.Now)
	err := c.store.Update(s.t.Context(), func(tx store.Tx) error {
		for name, did := range map[string]string{"home": home, "toolshed-system": identity.SystemSpaceDID} {
			if _, err := tx.PutSpace(charm.Space{DID: did, Name: name, CreatedAt: time.Now(), Since: -1}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	o := replica.Options{
		Store: c.store, Memory: c.memory, URL: s.http.URL, MemURL: s.http.URL, Operator: operator, Given: true,
		Arrived: func(store.Tx, string) error { return nil }, Logger: quiet, Now: time.Now,
		Changed: func() {
			select {
			case c.changed <- struct{}{}:
			default:
			}
		},
	}
	for _, fn := range change {
		fn(&o)
	}
	if c.replica, err = replica.New(o); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.replica.Close)
	c.memory.CopyOf(c.replica)
	return c
}

// patience is how long is waited for what comes by itself, however busy the machine is.
const patience = 2 * time.Minute

func (c *copied) ready(space string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	if err := c.memory.Ready(ctx, space); err != nil {
		c.t.Fatal(err)
	}
}

// await waits until the copy of a document is as wanted.
func (c *copied) await(space, id, want string) {
	c.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for valueIn(c.t, c.store, space, id) != want {
		select {
		case <-tick.C:
		case <-deadline:
			c.t.Fatalf("the copy of %s is %s, want %s", id, valueIn(c.t, c.store, space, id), want)
		}
	}
}

func (c *copied) write(id string, n int) error {
	return c.memory.Write(c.t.Context(), home, memory.Write{
		Draft: func(r store.Reader, space charm.Space) (*memory.Draft, error) { return draft(r, space, id, n) },
	})
}

func value(n int) string { return fmt.Sprintf(`{"value":%d}`, n) }

func TestCopyFollowsTheToolshed(t *testing.T) {
	t.Parallel()
	s := newToolshed(t)
	s.fill(home, 600) // more than are copied at once
	c := newCopy(s)
	told := make(chan float64, 100)
	defer c.memory.Subscribe(home, func(e memory.Effect) {
		for _, ch := range e.Changes {
			if ch.Of == memory.Of("later") {
				v, _ := ch.Is.(*jsontext.Object).Get("value")
				told <- v.(float64)
			}
		}
	})()
	c.ready(home)
	for _, i := range []int{0, 499, 500, 599} {
		if got := valueIn(t, c.store, home, fmt.Sprint("doc", i)); got != value(i) {
			t.Errorf("document %d is %s", i, got)
		}
	}
	for n := range 20 {
		s.put(home, "later", n)
	}
	c.await(home, "later", value(19))
	for last := -1.0; last != 19; { // which may be told a moment after it is there
		select {
		case n := <-told:
			if n <= last {
				t.Fatalf("subscribers were told %v after %v", n, last)
			}
			last = n
		case <-time.After(patience):
			t.Fatalf("subscribers were told %v last", last)
		}
	}
}

func TestWritesGoToTheToolshedFirst(t *testing.T) {
	t.Parallel()
	s := newToolshed(t)
	c := newCopy(s)
	if err := c.write("a", 1); err != nil {
		t.Fatal(err)
	}
	if here, there := valueIn(t, c.store, home, "a"), valueIn(t, s.store, home, "a"); here != value(1) || there != value(1) {
		t.Errorf("here %s, there %s", here, there)
	}
	// What is written with it is written when the toolshed has taken it, and not else.
	wrote := false
	bad := errors.New("this is not to be")
	err := c.memory.Write(t.Context(), home, memory.Write{
		Draft: func(store.Reader, charm.Space) (*memory.Draft, error) { return nil, bad },
		Then:  func(store.Tx, memory.Receipt) error { wrote = true; return nil },
	})
	if !errors.Is(err, bad) || wrote {
		t.Errorf("%v, wrote %v", err, wrote)
	}
}

// Many write one document, here and there. Nobody's update is lost, and what was in
// the way is in the copy when a conflict is told.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	s := newToolshed(t)
	copies := []*copied{newCopy(s), newCopy(s)}
	for _, c := range copies {
		c.ready(home)
	}
	s.put(home, "sum", 0)
	for _, c := range copies {
		c.await(home, "sum", value(0))
	}
	const each = 6
	var all sync.WaitGroup
	for i, c := range copies {
		for j := range 2 {
			all.Go(func() {
				for n := range each {
					err := c.memory.Write(t.Context(), home, memory.Write{
						Draft: func(r store.Reader, space charm.Space) (*memory.Draft, error) {
							head, err := r.Head(space.Row, memory.JSON, memory.Of("sum"))
							if err != nil {
								return nil, err
							}
							var now int
							if _, err := fmt.Sscanf(string(head.Is), `{"value":%d}`, &now); err != nil {
								return nil, err
							}
							d, err := draft(r, space, "sum", now+1)
							if err != nil {
								return nil, err
							}
							by := memory.Change{The: memory.RunJSON, Of: memory.Of(fmt.Sprint("run", i, j, n)), Is: "mark", Has: true}
							by.Cause = merkle.Unclaimed(by.The, by.Of)
							return memory.NewDraft(space, operator.DID(), append(d.Changes, by), nil, time.Now())
						},
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	want := value(each * 2 * len(copies))
	if got := valueIn(t, s.store, home, "sum"); got != want {
		t.Errorf("the sum is %s, want %s", got, want)
	}
	for _, c := range copies {
		c.await(home, "sum", want)
	}
}

// Facts that are here and not there are not guessed about.
func TestToolshedThatHasForgotten(t *testing.T) {
	t.Parallel()
	s := newToolshed(t)
	c := newCopy(s)
	c.ready(home)
	if err := c.write("a", 1); err != nil {
		t.Fatal(err)
	}
	c.replica.Close()
	other := newToolshed(t)
	r, err := replica.New(replica.Options{
		Store: c.store, Memory: c.memory, URL: other.http.URL, MemURL: other.http.URL, Operator: operator, Given: true,
		Arrived: func(store.Tx, string) error { return nil }, Changed: func() {}, Logger: quiet, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	err = r.Ready(t.Context(), home)
	if charm.CodeOf(err) != charm.CodeConflict || !strings.Contains(err.Error(), "1 documents") {
		t.Errorf("%v", err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	mine := identity.FromPassphrase("a key of mine")
	for _, c := range []struct {
		name    string
		did     string // the toolshed's
		key     *identity.Key
		given   bool
		problem string
	}{
		{"its operator", operator.DID(), operator, true, ""},
		{"a stranger", operator.DID(), mine, true, "does not let"},
		{"a stranger with a key of its own", operator.DID(), mine, false, "does not let"},
		{"the published passphrase", operator.DID(), identity.Service(), true, "published passphrase"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newToolshed(t)
			s.did = c.did
			copy := newCopy(s, func(o *replica.Options) { o.Operator, o.Given = c.key, c.given })
			err := copy.memory.Ready(t.Context(), identity.SystemSpaceDID)
			if c.problem == "" && err != nil || c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)) {
				t.Errorf("%v", err)
			}
			if away := copy.replica.Away(); (away == "") != (c.problem == "") {
				t.Errorf("away: %s", away)
			}
		})
	}
}

func TestRecipes(t *testing.T) {
	t.Parallel()
	s := newToolshed(t)
	c := newCopy(s)
	c.ready(identity.SystemSpaceDID)
	const source = "export default 1;"
	rec := charm.Recipe{ID: recipe.ID(source), Name: "one.tsx", Source: source}
	var arrived []string
	fetch := func(id string) error {
		return c.replica.Fetch(t.Context(), id, func(_ store.Tx, id string) error { arrived = append(arrived, id); return nil })
	}
	if err := fetch(rec.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	if err := c.replica.Publish(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	request, err := frames.ParseRequest([]byte(s.signed))
	if err != nil || request.Verify() != nil || request.Iss != operator.DID() || request.Cmd != frames.PutBlob {
		t.Errorf("signed as %q: %v", s.signed, err)
	}
	if err := fetch(rec.ID); err != nil {
		t.Fatal(err)
	}
	var got charm.Recipe
	if err := c.store.View(t.Context(), func(r store.Reader) (err error) { got, err = r.Recipe(rec.ID); return err }); err != nil || got.Source != source || got.Name != "one.tsx" {
		t.Errorf("stored: %+v, %v", got, err)
	}
	other := recipe.ID("something else")
	s.mu.Lock()
	s.blobs["spell-"+other] = `{"src":"not that"}`
	s.mu.Unlock()
	if err := fetch(other); charm.CodeOf(err) != charm.CodeInvalid {
		t.Errorf("one that is another: %v", err)
	}
	if len(arrived) != 1 {
		t.Errorf("told of %v", arrived)
	}
}
