package registry_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/queue"
	"charmd/internal/registry"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

const home = "did:key:z6Mkj5HyygpAVo2baUcx7kwTRoUbbBmk5egUQPHnV8arQ3SY"

// world is a registry on a real database.
type world struct {
	t        *testing.T
	db       *sqlite.DB
	memory   *memory.Memory
	queue    *queue.Queue
	registry *registry.Registry
	system   charm.Space
	home     charm.Space
}

func newWorld(t *testing.T) *world {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	db := sqlitetest.Open(t, sqlite.Options{Logger: logger})
	w := &world{t: t, db: db, memory: memory.New(db, "did:key:zOperator", time.Now)}
	w.system = charm.Space{DID: identity.SystemSpaceDID, Since: -1, CreatedAt: time.Now()}
	w.home = charm.Space{DID: home, Name: "home", Since: -1, CreatedAt: time.Now()}
	w.update(func(tx store.Tx) (err error) {
		if w.system.Row, err = tx.PutSpace(w.system); err != nil {
			return err
		}
		w.home.Row, err = tx.PutSpace(w.home)
		return err
	})
	var err error
	w.queue, _, err = queue.Open(t.Context(), db, state.NewManager(5), queue.Options{Now: time.Now, DefaultTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	w.registry = registry.New(registry.Options{
		Store: db, Memory: w.memory, Queue: w.queue, System: identity.SystemSpaceDID, Every: time.Minute, Logger: logger, Now: time.Now,
	})
	return w
}

func (w *world) update(fn func(store.Tx) error) {
	w.t.Helper()
	if err := w.db.Update(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// add registers a charm as the manager does.
func (w *world) add(name string) charm.Charm {
	w.t.Helper()
	c := charm.Charm{
		Space: home, SpaceName: "home", ID: merkle.EntityID(nil, name).Link(), Name: name, Integration: "test", Registered: true,
		Schedule: charm.Schedule{Every: time.Minute}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	w.update(func(tx store.Tx) (err error) {
		if c.Row, err = tx.PutCharm(c); err != nil {
			return err
		}
		if err := w.registry.Register(tx, c, charm.State{}); err != nil {
			return err
		}
		return w.queue.Put(tx, c, charm.State{})
	})
	return c
}

// cellText is the registry cell as people read it, links followed.
func (w *world) cellText() string {
	w.t.Helper()
	text := ""
	err := w.db.View(w.t.Context(), func(r store.Reader) error {
		v, _, err := cell.Export(cell.NewSnapshot(r, w.system), cell.Location{ID: registry.ID()})
		text = jsontext.Text(v)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// set writes a value below the registry cell as another program would.
func (w *world) set(path string, text string) {
	w.t.Helper()
	v, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(w.system, cell.Location{ID: registry.ID(), Path: cell.ParsePath(path)}, v)
}

func (w *world) write(space charm.Space, at cell.Location, v any) {
	w.t.Helper()
	w.update(func(tx store.Tx) error {
		docs := cell.NewSnapshot(tx, space)
		id, doc, err := cell.Set(docs, at, v)
		if err != nil {
			return err
		}
		version := docs.Version(id)
		draft, err := memory.NewDraft(space, "did:key:zSomebody", []memory.Change{memory.Assert(version.Of, version.Cause(), doc)}, nil, time.Now())
		if err != nil {
			return err
		}
		_, err = w.memory.Commit(tx, draft, nil)
		return err
	})
}

func (w *world) sync() {
	w.t.Helper()
	if err := w.registry.Sync(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) standing(c charm.Charm) queue.Standing {
	w.t.Helper()
	s, ok := w.queue.Standing(c.Row)
	if !ok {
		w.t.Fatalf("the queue does not know %s", c.Name)
	}
	return s
}

func (w *world) state(c charm.Charm) (s charm.State) {
	w.t.Helper()
	w.update(func(tx store.Tx) (err error) {
		s, err = tx.State(c.Row)
		return err
	})
	return s
}

func TestRegisteringTwiceMakesOneEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.add("a")
	w.add("b")
	w.update(func(tx store.Tx) error { return w.registry.Register(tx, a, charm.State{}) })
	text := w.cellText()
	if strings.Count(text, `"charmId"`) != 2 || strings.Count(text, a.ID) != 1 || strings.Contains(text, "disabledAt") {
		t.Errorf("the cell is %s", text)
	}
	for _, key := range []string{`"space":"` + home + `"`, `"integration":"test"`, `"createdAt":`, `"updatedAt":`, `"lastRun":0`, `"status":"Initializing"`} {
		if !strings.Contains(text, key) {
			t.Errorf("entries lack %s: %s", key, text)
		}
	}
	w.sync()
	if s := w.standing(a); !s.Charm.Registered || s.State.Disabled || s.State.NextRun.IsZero() {
		t.Errorf("after looking at an unchanged cell the charm stands as %+v", s)
	}
}

func TestTransitionIsWrittenAndNotMistakenForAPersons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.add("a")
	disabled := state.Disable(charm.State{}, charm.ByFailures, "failed 5 times", time.Now())
	w.update(func(tx store.Tx) error {
		if err := w.registry.Transition(tx, c, disabled); err != nil {
			return err
		}
		return w.queue.Put(tx, c, disabled)
	})
	if text := w.cellText(); !strings.Contains(text, `"disabledAt":`) || !strings.Contains(text, "Disabled: failed 5 times") {
		t.Errorf("the cell is %s", text)
	}
	w.sync()
	if s := w.state(c); s.DisabledBy != charm.ByFailures {
		t.Errorf("our own disabledAt was taken for a person's: %+v", s)
	}
}

// What a charm is registered under can be changed, and a person's change of the same
// entry that has not been taken up stays.
func TestTheIntegrationFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.add("a")
	for _, tt := range []struct{ integration, disabledAt string }{{"first", "0"}, {"second", "1700000000000"}} {
		if tt.disabledAt != "0" {
			w.set("0/disabledAt", tt.disabledAt)
		}
		c.Integration = tt.integration
		w.update(func(tx store.Tx) error { return w.registry.Transition(tx, c, charm.State{}) })
		text := w.cellText()
		if !strings.Contains(text, `"integration":"`+tt.integration+`"`) || strings.Contains(text, `"disabledAt":`) != (tt.disabledAt != "0") {
			t.Errorf("%s: the cell is %s", tt.integration, text)
		}
		w.sync()
		if s := w.state(c); s.Disabled != (tt.disabledAt != "0") {
			t.Errorf("%s: it stands as %+v", tt.integration, s)
		}
	}
}

func TestAPersonsDisabledAtWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.add("a")
	w.set("0/disabledAt", "1700000000000")
	w.sync()
	if s := w.standing(c); !s.State.Disabled || s.State.DisabledBy != charm.ByPerson || !s.State.NextRun.IsZero() || s.State.DisabledAt.UnixMilli() != 1700000000000 {
		t.Fatalf("disabled in the cell it stands as %+v", s)
	}
	w.set("0/disabledAt", "0")
	w.sync()
	if s := w.standing(c); s.State.Disabled || s.State.NextRun.IsZero() {
		t.Errorf("enabled in the cell it stands as %+v", s)
	}
}

func TestTakenOutOfTheCell(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.add("a"), w.add("b")
	w.set("", "[]")
	w.sync()
	for _, c := range []charm.Charm{a, b} {
		if s := w.standing(c); s.Charm.Registered || !s.State.NextRun.IsZero() {
			t.Errorf("%s stands as %+v", c.Name, s)
		}
	}
}

func TestUnregisterLeavesTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.add("a"), w.add("b")
	w.update(func(tx store.Tx) error { return w.registry.Unregister(tx, a) })
	if text := w.cellText(); strings.Contains(text, a.ID) || !strings.Contains(text, b.ID) {
		t.Errorf("the cell is %s", text)
	}
	w.update(func(tx store.Tx) error { return w.registry.Unregister(tx, b) })
	if text := w.cellText(); text != "[]" {
		t.Errorf("the empty cell is %s", text)
	}
}

func TestEntriesOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := w.add("mine")
	theirs := merkle.EntityID(nil, "theirs")
	process := jsontext.NewObject()
	process.Set("$TYPE", "ba4jcrecipe")
	w.write(w.home, cell.Location{ID: merkle.ProcessID(theirs).Link()}, process)
	w.list(merkle.Charms, theirs)
	w.update(func(tx store.Tx) error {
		return tx.PutRecipe(charm.Recipe{ID: "ba4jcrecipe", Name: "x.tsx", CreatedAt: time.Now()})
	})
	inline := fmt.Sprintf(`{"space":%q,"charmId":%q,"integration":"rss","createdAt":1,"updatedAt":2,"enabled":true,"runs":0}`, home, theirs.Link())
	off := fmt.Sprintf(`{"space":%q,"charmId":%q,"integration":"rss","updatedAt":5,"enabled":false}`, home, merkle.EntityID(nil, "off").Link())
	w.set("1", inline)
	w.set("2", off)
	w.set("3", `{"something":"else"}`)
	w.set("4", `"nonsense"`)
	later := merkle.EntityID(nil, "entry of a later service")
	v, err := jsontext.Parse([]byte(fmt.Sprintf(`{"space":%q,"pieceId":%q,"integration":"rss","disabledAt":0,"lastRun":7,"status":"Success"}`, home, merkle.EntityID(nil, "later").Link())), jsontext.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	w.write(w.system, cell.Location{ID: later.Link()}, v)
	w.set("5", jsontext.Text(cell.Location{ID: later.Link()}.Link()))
	w.sync()
	var adopted []queue.Standing
	for _, s := range w.queue.Standings() {
		if s.Charm.ID != mine.ID {
			adopted = append(adopted, s)
		}
	}
	if len(adopted) != 3 {
		t.Fatalf("%d charms were adopted, want 3: %+v", len(adopted), adopted)
	}
	if s := adopted[2]; s.State.Disabled || s.State.Waiting.Why != "its documents are not in its space" {
		t.Errorf("one that a later service registered stands as %+v", s)
	}
	if s := adopted[0]; s.Charm.ID != theirs.Link() || s.Charm.Recipe != "ba4jcrecipe" || s.State.NextRun.IsZero() || s.State.Waiting.Is() {
		t.Errorf("a charm of others stands as %+v", s)
	}
	if s := adopted[1]; !s.State.Disabled || !s.State.Waiting.Is() || !s.State.NextRun.IsZero() {
		t.Errorf("a disabled one whose documents are not here stands as %+v", s)
	}
	if text := w.cellText(); !strings.Contains(text, inline) || !strings.Contains(text, `"nonsense"`) {
		t.Errorf("what others wrote was changed: %s", text)
	}
	w.sync()
	if n := len(w.queue.Standings()); n != 4 {
		t.Errorf("looking again made %d charms of 4", n)
	}
}

// list makes charms the list of that name in the home space, in the forms that lists have.
func (w *world) list(name merkle.Ref, charms ...merkle.Ref) {
	w.t.Helper()
	links := []any{"no link"}
	for i, id := range charms {
		link := cell.Location{ID: id.Link()}.Link()
		if i > 0 {
			link.Set("space", home)
		}
		links = append(links, link)
	}
	w.write(w.home, cell.Location{ID: name.Link()}, links)
}

// A charm runs while it is in its space's charms or pinned ones. Lists that others
// change are followed.
func TestListsSayWhatRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := merkle.EntityID(nil, "a"), merkle.EntityID(nil, "b")
	w.update(func(tx store.Tx) error {
		return tx.PutRecipe(charm.Recipe{ID: "ba4jcrecipe", Name: "x.tsx", CreatedAt: time.Now()})
	})
	c := w.add("a")
	run := func() {
		t.Helper()
		if err := w.registry.Relist(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tell := func(name merkle.Ref, charms ...merkle.Ref) {
		t.Helper()
		cancel := w.registry.Listen()
		w.list(name, charms...)
		cancel()
		run()
	}
	stands := func(after, want string) {
		t.Helper()
		if s := w.standing(c).State; s.Waiting.Why != want || s.NextRun.IsZero() != (want != "") {
			t.Errorf("%s: it waits for %q, next run %v; want %q", after, s.Waiting.Why, s.NextRun, want)
		}
	}
	run()
	stands("at the start", "its documents are not in its space")
	process := jsontext.NewObject()
	process.Set("$TYPE", "ba4jcrecipe")
	w.write(w.home, cell.Location{ID: merkle.ProcessID(id).Link()}, process)
	stands("nobody looked", "its documents are not in its space")
	tell(merkle.Charms, other)
	stands("another is listed", "it is in none of its space's lists (charms, pinned)")
	tell(merkle.Charms, other, id)
	stands("listed", "")
	tell(merkle.Charms)
	tell(merkle.Trash, id)
	stands("in the trash", "it is in the trash of its space")
	tell(merkle.Pinned, id)
	stands("pinned", "")
	tell(merkle.Pinned)
	tell(merkle.Trash)
	stands("nowhere", "it is in none of its space's lists (charms, pinned)")
}

// ends is a run that has left the charm with the state.
func (w *world) ends(c charm.Charm, at time.Time, s charm.State) {
	w.t.Helper()
	w.update(func(tx store.Tx) error { return tx.PutState(c.Row, s) })
	w.registry.Note(c, charm.Run{EndedAt: at}, s)
}

// What a run has left to be written says when it was, and not how the charm stood
// then: a person may have disabled it since, and the run may have been a minute ago.
func TestANoteDoesNotUndoWhatIsWrittenSince(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, gone := w.add("a"), w.add("gone")
	ended := time.UnixMilli(1_800_000_000_000)
	worked := charm.State{LastOutcome: charm.OK}
	w.ends(c, ended, worked)
	w.ends(gone, ended, worked)
	w.update(func(tx store.Tx) error {
		s := state.Disable(worked, charm.ByPerson, "too loud", time.Now())
		if err := errors.Join(w.registry.Transition(tx, c, s), w.queue.Put(tx, c, s)); err != nil {
			return err
		}
		return errors.Join(w.queue.Remove(tx, gone.Row), tx.DeleteCharm(gone.Row))
	})
	if err := w.registry.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := w.cellText(); !strings.Contains(text, `"lastRun":1800000000000,"status":"Disabled: too loud"`) || strings.Contains(text, "Success") {
		t.Errorf("the cell is %s", text)
	}
}

// What a note has left in an entry is what the next one is compared with, and not what it
// was made with: of two runs that end between two notes, the last one's status is written.
func TestANoteAfterOneThatWroteAnotherStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.add("a")
	ended, worked, failed := time.UnixMilli(1_800_000_000_000), charm.State{LastOutcome: charm.OK}, charm.State{LastOutcome: charm.Errored, LastError: "no feed"}
	w.ends(c, ended, worked)
	w.update(func(tx store.Tx) error { return tx.PutState(c.Row, failed) }) // the next run, whose note comes
	for _, status := range []string{"no feed", `"status":"Success"`} {
		if err := w.registry.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if text := w.cellText(); !strings.Contains(text, status) {
			t.Errorf("the cell is %s, not %s", text, status)
		}
		w.ends(c, ended, worked)
	}
}

func TestStatusesAreWrittenInBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.add("a")
	commits := func() (n int64) {
		w.update(func(tx store.Tx) error {
			s, err := tx.Space(identity.SystemSpaceDID)
			n = s.Since
			return err
		})
		return n
	}
	before := commits()
	ended := time.UnixMilli(1_800_000_000_000)
	for i := range 50 {
		w.ends(c, ended.Add(time.Duration(i)), charm.State{LastOutcome: charm.OK})
	}
	for range 3 {
		if err := w.registry.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := commits() - before; n != 1 {
		t.Errorf("50 runs were written in %d commits, want 1", n)
	}
	if text := w.cellText(); !strings.Contains(text, `"status":"Success"`) || !strings.Contains(text, `"lastRun":1800000000000`) {
		t.Errorf("the cell is %s", text)
	}
	w.ends(c, ended, charm.State{LastOutcome: charm.Errored, LastError: "no feed"})
	if err := w.registry.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := w.cellText(); !strings.Contains(text, `"status":"no feed"`) {
		t.Errorf("a changed status waited: %s", text)
	}
}
