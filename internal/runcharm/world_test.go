package runcharm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/pool"
	"charmd/internal/recipe"
	"charmd/internal/runcharm"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
	"charmd/internal/testbin"
	"charmd/internal/wire"
)

const apiURL = "http://toolshed.test"

// patience is how long is waited for what comes by itself, however busy the machine is.
const patience = 2 * time.Minute

// world is what runs need of the service: a store, its memory, and worker processes.
type world struct {
	store  store.Store
	memory *memory.Memory
	pool   *pool.Pool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlitetest.Path(t), sqlite.Options{})
	check(t, err)
	workers, err := pool.New(pool.Options{Exe: testbin.Path(t), Workers: 2, RunsPerWorker: 10_000})
	check(t, err)
	check(t, workers.Start(context.Background()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := errors.Join(workers.Close(ctx), db.Close()); err != nil {
			t.Error(err)
		}
	})
	return &world{store: db, memory: memory.New(db, "did:key:zOperator", time.Now), pool: workers}
}

// reply is what a case's network answers.
type reply struct {
	Status int
	Body   string
}

// home is a space with a recipe in it whose charms are run.
type home struct {
	*world
	space   charm.Space
	recipe  charm.Recipe
	runner  *runcharm.Runner
	replies map[string]reply

	runs int

	mu    sync.Mutex
	asked []string // of the network since take: method and address
}

var hosts = regexp.MustCompile(`https?://[^/"'\\\s?#]+`)

// newHome compiles source, for a space of its own. Of the errors the first is returned. Requests
// to the toolshed, and to the hosts that about names, are answered from replies.
func (w *world) newHome(t *testing.T, name, source, about string, replies map[string]reply) (*home, error) {
	t.Helper()
	h := &home{world: w, space: charm.Space{DID: identity.FromPassphrase(name).DID(), Since: -1, CreatedAt: time.Now()}, replies: replies}
	w.update(t, func(tx store.Tx) (err error) {
		h.space.Row, err = tx.PutSpace(h.space)
		return err
	})
	nobody := errors.New("this test has no network")
	door, err := egress.New(egress.Options{
		Origins: slices.Concat([]string{apiURL}, hosts.FindAllString(about, -1)), Local: h.answer,
		Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, nobody }},
	})
	check(t, err)
	t.Cleanup(door.Close)
	h.runner = runcharm.New(runcharm.Options{
		Store: w.store, Memory: w.memory, Pool: w.pool, Egress: door, APIURL: func() string { return apiURL },
		Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	compiled, err := w.pool.Compile(t.Context(), wire.CompileRequest{Entry: "recipe.tsx", Files: map[string]string{"recipe.tsx": source}})
	check(t, err)
	if len(compiled.Errors) > 0 {
		return h, runcharm.CompileError(compiled.Errors)
	}
	h.recipe = charm.Recipe{ID: recipe.ID(source), Name: "recipe.tsx", Source: source, Program: compiled.Program, SourceMap: compiled.SourceMap}
	return h, nil
}

func (h *home) answer(_ context.Context, _ egress.Policy, r egress.Request) (egress.Reply, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	url := strings.TrimPrefix(r.URL, apiURL)
	h.asked = append(h.asked, r.Method+" "+url)
	answer, known := h.replies[url]
	return egress.Reply{Status: answer.Status, URL: r.URL, Body: []byte(answer.Body)}, known
}

// take is what was asked of the network since it was last taken.
func (h *home) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.asked
	h.asked = nil
	return asked
}

func (w *world) update(t *testing.T, fn func(store.Tx) error) {
	t.Helper()
	check(t, w.store.Update(t.Context(), fn))
}

// attempt makes a run and writes nothing.
func (h *home) attempt(t *testing.T, work runcharm.Work) runcharm.Result {
	t.Helper()
	h.runs++
	work.Run, work.Timeout, work.Recipe = fmt.Sprint("run ", h.runs), patience, &h.recipe
	work.Charm.Space, work.Charm.Recipe = h.space.DID, h.recipe.ID
	session, err := h.runner.Open(t.Context(), work)
	check(t, err)
	return session.Attempt(t.Context())
}

// commit writes what a run came to.
func (h *home) commit(t *testing.T, r runcharm.Result) {
	t.Helper()
	h.update(t, func(tx store.Tx) error {
		if err := memory.Check(tx, r.Space, r.Read); err != nil || r.Draft == nil {
			return err
		}
		_, err := h.memory.Commit(tx, r.Draft, nil)
		return err
	})
}

// write makes a value what is at a path, as a client would, and returns where that is.
func (h *home) write(t *testing.T, at cell.Location, value any) cell.Location {
	t.Helper()
	v, err := jsontext.Parse(encoded(value), jsontext.DefaultLimits)
	check(t, err)
	h.update(t, func(tx store.Tx) error {
		space, err := tx.Space(h.space.DID)
		if err != nil {
			return err
		}
		docs := cell.NewSnapshot(tx, space)
		if at, _, _, err = cell.Resolve(docs, at, true); err != nil {
			return err
		}
		id, doc, err := cell.Set(docs, at, v)
		if err != nil {
			return err
		}
		version := docs.Version(id)
		draft, err := memory.NewDraft(space, h.memory.Issuer(), []memory.Change{memory.Assert(version.Of, version.Cause(), doc)}, nil, time.Now())
		if err != nil {
			return err
		}
		_, err = h.memory.Commit(tx, draft, nil)
		return err
	})
	return at
}

// look reads the space as it is, with changes that were not committed in it.
func (h *home) look(t *testing.T, changes []memory.Change, fn func(docs *cell.Snapshot)) {
	t.Helper()
	check(t, h.store.View(t.Context(), func(r store.Reader) error {
		space, err := r.Space(h.space.DID)
		if err != nil {
			return err
		}
		docs := cell.NewSnapshot(r, space)
		for _, c := range changes {
			docs.Put(strings.TrimPrefix(c.Of, memory.Of("")), c.Is.(*jsontext.Object))
		}
		fn(docs)
		return nil
	}))
}

// seen is the value at a place with everything linked in it put in its place; nil where nothing is.
func (h *home) seen(t *testing.T, at cell.Location, changes ...memory.Change) (out any) {
	t.Helper()
	h.look(t, changes, func(docs *cell.Snapshot) { out, _ = live(t, docs, at, 0) })
	return out
}

func live(t *testing.T, docs cell.Documents, at cell.Location, level int) (any, bool) {
	t.Helper()
	to, value, exists, err := cell.Resolve(docs, at, true)
	check(t, err)
	if level > 100 {
		t.Fatalf("links go in circles at %v", at)
	}
	inner := func(key string) (any, bool) {
		return live(t, docs, cell.Location{ID: to.ID, Path: append(slices.Clone(to.Path), key)}, level+1)
	}
	switch v := value.(type) {
	case *jsontext.Object:
		out := map[string]any{}
		for key := range v.All() {
			if field, ok := inner(key); ok {
				out[key] = field
			}
		}
		return out, exists
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i], _ = inner(strconv.Itoa(i))
		}
		return out, exists
	}
	return value, exists
}

// stored is the stored forms of the documents of the space, by id.
func (h *home) stored(t *testing.T) map[string]any {
	t.Helper()
	docs := map[string]any{}
	check(t, h.store.View(t.Context(), func(r store.Reader) error {
		return r.Heads(h.space.Row, store.Selector{The: memory.JSON, Since: -1}, func(f store.Fact) bool {
			var doc any
			decode(t, string(f.Is), &doc)
			docs[strings.TrimPrefix(f.Of, memory.Of(""))] = doc
			return true
		})
	}))
	return docs
}

func charmID(name string) merkle.Ref { return merkle.EntityID(nil, name) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

func encoded(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
