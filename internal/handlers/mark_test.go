package handlers

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/runcharm"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// A mark that is written and read again names the last run of each service, however
// many runs of others came after, and of all that ever ran the newest.
func TestMark(t *testing.T) {
	t.Parallel()
	db := sqlitetest.Open(t, sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	key := identity.FromPassphrase("mark")
	mem := memory.New(db, key.DID(), time.Now)
	id := merkle.EntityID(nil, "a charm").Link()
	space := charm.Space{DID: key.DID(), CreatedAt: time.Now(), Since: -1}
	if err := db.Update(t.Context(), func(tx store.Tx) (err error) {
		space.Row, err = tx.PutSpace(space)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	read := func() (m mark, v memory.Version) {
		t.Helper()
		if err := db.View(t.Context(), func(r store.Reader) (err error) {
			if v, err = runcharm.MarkOf(r, space, id); err != nil {
				return err
			}
			m, err = readMark(r, space, v)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return m, v
	}
	write := func(service string, e entry) {
		t.Helper()
		m, v := read()
		change := memory.Change{The: v.The, Of: v.Of, Cause: v.Cause(), Is: m.with(service, e).value(), Has: true}
		d, err := memory.NewDraft(space, key.DID(), []memory.Change{change}, nil, time.Now())
		if err == nil {
			_, err = mem.Transact(t.Context(), d)
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	if m, v := read(); m.seq != 0 || len(m.services) != 0 || !v.Ref.IsZero() {
		t.Errorf("before any run: %+v, %+v", m, v)
	}
	write("a", entry{Run: "01A", Job: "01J", Again: true})
	for n := range 100 {
		write("b", entry{Run: fmt.Sprint("02B", n), Job: "02J"})
	}
	m, v := read()
	if a := m.services["a"]; a.Run != "01A" || a.Job != "01J" || !a.Again || m.seq != 101 || m.last.Run != "02B99" || m.services["b"].Run != "02B99" {
		t.Errorf("after two services: %+v", m)
	}
	for n := range 2 * mostServices {
		write(fmt.Sprint("c", n), entry{Run: fmt.Sprint("03C", n)})
	}
	if m, _ := read(); len(m.services) != mostServices || m.services["a"].Run != "" || m.services[fmt.Sprint("c", 2*mostServices-1)].Run == "" {
		t.Errorf("after many services: %+v", m.services)
	}

	// What is no mark counts as none: whoever may write the space may write that.
	for _, text := range []string{`null`, `1`, `[]`, `{"services":1,"seq":"x"}`, `{"services":{"a":1}}`} {
		_, v = read()
		value, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		change := memory.Change{The: v.The, Of: v.Of, Cause: v.Cause(), Is: value, Has: true}
		d, err := memory.NewDraft(space, key.DID(), []memory.Change{change}, nil, time.Now())
		if err == nil {
			_, err = mem.Transact(t.Context(), d)
		}
		if err != nil {
			t.Fatal(err)
		}
		if m, _ := read(); m.seq != 0 || len(m.services) != 0 {
			t.Errorf("%s is read as %+v", text, m)
		}
	}
}
