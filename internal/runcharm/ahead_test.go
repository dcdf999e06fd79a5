package runcharm

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/wire"
)

// What is read with the claim is what a view would show at that moment, for one
// attempt, and only where it is short and needs no more than documents.
func TestReadingAhead(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "charmd.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	mem := memory.New(db, "did:key:zOperator", time.Now)
	r := New(Options{Store: db, Memory: mem, APIURL: func() string { return "" }, Now: time.Now})
	id := merkle.Refer("charm")
	process := merkle.ProcessID(id).Link()
	c := charm.Charm{Space: identity.FromPassphrase("ahead").DID(), ID: id.Link(), Recipe: "ba4jold"}
	update := func(fn func(store.Tx) error) {
		t.Helper()
		if err := db.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx store.Tx) (err error) {
		if _, err = tx.PutSpace(charm.Space{DID: c.Space, Since: -1, CreatedAt: time.Now()}); err != nil {
			return err
		}
		c.Row, err = tx.PutCharm(c)
		return err
	})
	write := func(doc string, cause memory.Version, value any) {
		t.Helper()
		space := charm.Space{DID: c.Space}
		d, err := memory.NewDraft(space, mem.Issuer(), []memory.Change{memory.Assert(memory.Of(doc), cause.Cause(), value)}, nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mem.Transact(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	unwritten := func(doc string) memory.Version { return memory.Version{The: memory.JSON, Of: memory.Of(doc)} }
	read := func() (a *Ahead) {
		update(func(tx store.Tx) error {
			a = r.ReadAhead(tx, c)
			return nil
		})
		return a
	}
	write(process, unwritten(process), "first")

	// Not before it is known what the charm reads, and that it is not tried out.
	if a := read(); a != nil {
		t.Errorf("before its first run: %+v", a)
	}
	r.noteTried(c)
	r.remember(c, seen{process, []string{process, "baedreinone", "baedreiother"}, 9})
	write("baedreiother", unwritten("baedreiother"), "other")
	a := read()
	if a == nil {
		t.Fatal("nothing was read")
	}
	// It stays what it was, whatever is written then.
	write(process, memory.Version{The: memory.JSON, Of: memory.Of(process), Ref: merkle.Ref(a.facts[process].Ref)}, "second")

	task := func(recipe string, ahead *Ahead) (*attempt, wire.Task, error) {
		s := &Session{runner: r, work: Work{Mode: wire.ModeEvent, Charm: c, Ahead: ahead}, recipe: charm.Recipe{ID: recipe}}
		at := newAttempt(s)
		task, err := at.task(t.Context())
		return at, task, err
	}
	texts := func(task wire.Task) (list []string) {
		for _, doc := range task.Documents {
			list = append(list, string(doc.Text))
		}
		return list
	}
	at, first, err := task(c.Recipe, a)
	if err != nil || at.space.Since != 1 || !slices.Equal(texts(first), []string{"", `"first"`, "", `"other"`}) {
		t.Errorf("read ahead: %v, as of %d, %q", err, at.space.Since, texts(first))
	}
	if v := at.served[process]; v.Ref != merkle.Ref(a.facts[process].Ref) || at.served["baedreinone"].Ref != (merkle.Ref{}) {
		t.Errorf("the commit is to find %+v", at.served)
	}
	again := newAttempt(at.Session)
	if second, err := again.task(t.Context()); err != nil || again.space.Since != 2 || texts(second)[1] != `"second"` {
		t.Errorf("made again: %v, as of %d, %q", err, again.space.Since, texts(second))
	}

	// The recipe is that of the moment, too.
	c.Recipe = "ba4jnew"
	update(func(tx store.Tx) error { _, err := tx.PutCharm(c); return err })
	r.noteTried(c)
	if _, _, err := task("ba4jold", read()); err == nil || !strings.Contains(err.Error(), "ba4jnew") {
		t.Errorf("with another recipe: %v", err)
	}

	// To make an account ready may change its cell, so what lies in it is read after that.
	r.accounts = connected{}
	if a := read(); a != nil {
		t.Error("documents of a charm with an account were read")
	}
	r.accounts = nil

	many := make([]string, mostAhead+1)
	for i := range many {
		many[i] = fmt.Sprint("baedrei", i)
	}
	r.remember(c, seen{process, many, 9})
	if a := read(); a != nil {
		t.Errorf("%d documents were read", len(many))
	}
	r.remember(c, seen{process, many[1:], mostAheadBytes + 1})
	if a := read(); a != nil {
		t.Error("long documents were read")
	}
	r.remember(c, seen{process, many[1:], mostAheadBytes})
	update(func(tx store.Tx) error { return tx.DeleteCharm(c.Row) })
	if a := read(); a != nil {
		t.Error("documents of a charm that is gone were read")
	}
}

// connected has an account for every charm.
type connected struct{ Accounts }

func (connected) Has(charm.Charm) bool { return true }
