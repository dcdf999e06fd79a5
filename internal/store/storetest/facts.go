package storetest

import (
	"bytes"
	"fmt"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/store"
)

const doc = "application/json"

// commit writes one commit that asserts the values of documents ("" retracts),
// in the order given as of, value, of, value …, and returns the facts.
func (f *fixture) commit(s charm.Space, since int, pairs ...string) []store.Fact {
	f.Helper()
	var facts []store.Fact
	f.write(func(tx store.Tx) (err error) {
		facts, err = commit(tx, s, since, pairs...)
		return err
	})
	return facts
}

func commit(tx store.Tx, s charm.Space, since int, pairs ...string) ([]store.Fact, error) {
	var facts []store.Fact
	for i := 0; i < len(pairs); i += 2 {
		fact := store.Fact{Space: s.Row, The: doc, Of: pairs[i], Since: int64(since), At: at(since),
			Ref: ref(since, "/", i, pairs[i]), Cause: ref("cause", since)}
		if pairs[i+1] != "" {
			fact.Is = []byte(pairs[i+1])
		}
		if err := tx.AddFact(fact); err != nil {
			return nil, err
		}
		facts = append(facts, fact)
	}
	return facts, tx.PutCommit(store.Commit{Space: s.Row, Since: int64(since), Ref: ref("commit", since), At: at(since),
		Transaction: fmt.Appendf(nil, "transaction %d", since)})
}

// sameFact compares what was read with what was written; rows are the store's.
func (f *fixture) sameFact(got, want store.Fact) {
	f.Helper()
	if got.Row == 0 {
		f.Errorf("fact %s has no row", got.Of)
	}
	got.Row = 0
	f.equal(got, want)
}

func (f *fixture) head(s charm.Space, of string) store.Fact {
	f.Helper()
	return read(f, func(r store.Reader) (store.Fact, error) { return r.Head(s.Row, doc, of) })
}

func testFacts(f *fixture) {
	home, away := f.space("home"), f.space("away")
	first := f.commit(home, 0, "of:a", `{"value":0}`, "of:b", "false")
	second := f.commit(home, 1, "of:a", `{"value":1}`)
	third := f.commit(home, 2, "of:b", "")
	f.commit(away, 0, "of:a", `"elsewhere"`)

	f.sameFact(f.head(home, "of:a"), second[0])
	f.sameFact(f.head(home, "of:b"), third[0])
	if is := f.head(home, "of:b").Is; is != nil {
		f.Errorf("a retraction has the value %q", is)
	}
	if is := f.head(away, "of:a").Is; string(is) != `"elsewhere"` {
		f.Errorf("another space's fact is %s", is)
	}
	for _, c := range []struct {
		space   int64
		the, of string
	}{{home.Row, doc, "of:c"}, {home.Row, "text/plain", "of:a"}, {away.Row, doc, "of:b"}, {4711, doc, "of:a"}} {
		missing(f, store.ErrNotFound, func(r store.Reader) (store.Fact, error) { return r.Head(c.space, c.the, c.of) })
	}

	byRef := func(want store.Fact) func(store.Reader) (store.Fact, error) {
		return func(r store.Reader) (store.Fact, error) { return r.FactByRef(want.Space, want.The, want.Of, want.Ref) }
	}
	for _, want := range []store.Fact{first[0], first[1], second[0], third[0]} {
		f.sameFact(read(f, byRef(want)), want)
	}
	wrong := first[0]
	wrong.Of = "of:b" // the reference is of another memory
	missing(f, store.ErrNotFound, byRef(wrong))
	wrong.Ref = ref("unknown")
	missing(f, store.ErrNotFound, byRef(wrong))

	f.refused(store.ErrNotFound, func(tx store.Tx) error {
		return tx.AddFact(store.Fact{Space: 4711, The: doc, Of: "of:a", Is: []byte("1")})
	})
	if err := f.Update(f.Context(), func(tx store.Tx) error {
		return tx.AddFact(store.Fact{Space: home.Row, The: doc, Of: "of:z", Is: []byte{}})
	}); err == nil {
		f.Error("an assertion without a value was taken")
	}
}

func testFactsOfOneCommit(f *fixture) {
	home := f.space("home")
	chain := f.commit(home, 0, "of:a", "1", "of:a", "2", "of:a", "3")
	f.sameFact(f.head(home, "of:a"), chain[2])
	f.sameFact(read(f, func(r store.Reader) (store.Fact, error) { return r.FactAsOf(home.Row, doc, "of:a", 0) }), chain[2])
	f.sameFact(read(f, func(r store.Reader) (store.Fact, error) {
		return r.FactByRef(home.Row, doc, "of:a", chain[1].Ref)
	}), chain[1])
}

func testHistory(f *fixture) {
	home := f.space("home")
	f.commit(home, 0, "of:other", "0")
	one := f.commit(home, 1, "of:a", "1")[0]
	f.commit(home, 2, "of:other", "2")
	three := f.commit(home, 3, "of:a", "")[0]
	five := f.commit(home, 4, "of:a", "4", "of:a", "5")[1]
	asOf := func(since int64) func(store.Reader) (store.Fact, error) {
		return func(r store.Reader) (store.Fact, error) { return r.FactAsOf(home.Row, doc, "of:a", since) }
	}
	missing(f, store.ErrNotFound, asOf(-1))
	missing(f, store.ErrNotFound, asOf(0))
	for since, want := range map[int64]store.Fact{1: one, 2: one, 3: three, 4: five, 5: five, 1 << 40: five} {
		f.sameFact(read(f, asOf(since)), want)
	}
	missing(f, store.ErrNotFound, func(r store.Reader) (store.Fact, error) { return r.FactAsOf(home.Row, doc, "of:none", 9) })
}

func (f *fixture) heads(s charm.Space, sel store.Selector) []string {
	f.Helper()
	return read(f, func(r store.Reader) ([]string, error) { return heads(r, s, sel) })
}

// heads are the chosen facts as "of the=value".
func heads(r store.Reader, s charm.Space, sel store.Selector) (all []string, err error) {
	err = r.Heads(s.Row, sel, func(fact store.Fact) bool {
		all = append(all, fmt.Sprintf("%s %s=%s", fact.Of, fact.The, fact.Is))
		return true
	})
	return all, err
}

func testHeads(f *fixture) {
	home, away := f.space("home"), f.space("away")
	f.write(func(tx store.Tx) error {
		for i, m := range [][2]string{{"of:b", doc}, {"of:a", "text/b"}, {"of:a", doc}, {"of:é", doc}, {"of:Z", doc}, {"", ""}} {
			f.ok(tx.AddFact(store.Fact{Space: home.Row, Of: m[0], The: m[1], Since: int64(i), Is: fmt.Append(nil, i)}))
		}
		return tx.AddFact(store.Fact{Space: away.Row, Of: "of:a", The: doc, Is: []byte("away")})
	})
	f.write(func(tx store.Tx) error {
		return tx.AddFact(store.Fact{Space: home.Row, Of: "of:b", The: doc, Since: 6}) // retracted
	})
	for _, c := range []struct {
		sel  store.Selector
		want []string
	}{
		{store.Selector{Since: -1}, []string{" =5", "of:Z " + doc + "=4", "of:a " + doc + "=2", "of:a text/b=1", "of:b " + doc + "=", "of:é " + doc + "=3"}},
		{store.Selector{The: doc, Since: -1}, []string{"of:Z " + doc + "=4", "of:a " + doc + "=2", "of:b " + doc + "=", "of:é " + doc + "=3"}},
		{store.Selector{Of: "of:a", Since: -1}, []string{"of:a " + doc + "=2", "of:a text/b=1"}},
		{store.Selector{Of: "of:a", The: doc, Since: -1}, []string{"of:a " + doc + "=2"}},
		{store.Selector{Since: 3}, []string{" =5", "of:Z " + doc + "=4", "of:b " + doc + "="}},
		{store.Selector{Of: "of:a", Since: 1}, []string{"of:a " + doc + "=2"}},
		{store.Selector{Since: 0, The: "text/b"}, []string{"of:a text/b=1"}},
		{store.Selector{Of: "of:none", Since: -1}, nil},
		{store.Selector{Since: 6}, nil},
	} {
		f.equal(f.heads(home, c.sel), c.want)
	}
	f.equal(f.heads(away, store.Selector{Since: -1}), []string{"of:a " + doc + "=away"})

	seen := 0
	f.ok(f.View(f.Context(), func(r store.Reader) error {
		return r.Heads(home.Row, store.Selector{Since: -1}, func(store.Fact) bool { seen++; return seen < 2 })
	}))
	f.equal(seen, 2)
}

// testManyHeads has more heads than any batch, reads others while it reads them,
// and writes some.
func testManyHeads(f *fixture) {
	home := f.space("home")
	const docs = 1500
	var pairs []string
	for i := range docs {
		pairs = append(pairs, fmt.Sprintf("of:%05d", i), strings.Repeat("x", 1+i%7*1000))
	}
	f.commit(home, 0, pairs...)
	last, seen := "", 0
	f.write(func(tx store.Tx) error {
		return tx.Heads(home.Row, store.Selector{Since: -1}, func(fact store.Fact) bool {
			if fact.Of <= last {
				f.Errorf("%s comes after %s", fact.Of, last)
			}
			last, seen = fact.Of, seen+1
			same, err := tx.Head(home.Row, doc, fact.Of)
			if err != nil || same.Row != fact.Row {
				f.Errorf("head of %s while reading heads: %v", fact.Of, err)
			}
			if inner, err := heads(tx, home, store.Selector{Of: fact.Of, Since: -1}); len(inner) != 1 {
				f.Errorf("heads within heads: %v, %v", inner, err)
			}
			f.ok(tx.AddFact(store.Fact{Space: home.Row, The: doc, Of: fact.Of, Since: 1, Is: []byte("new")}))
			return true
		})
	})
	f.equal(seen, docs)
	f.equal(len(f.heads(home, store.Selector{Since: 0})), docs)
}

func testCommits(f *fixture) {
	home, away := f.space("home"), f.space("away")
	at0 := func(s charm.Space, since int64) func(store.Reader) (store.Commit, error) {
		return func(r store.Reader) (store.Commit, error) { return r.CommitAt(s.Row, since) }
	}
	missing(f, store.ErrNotFound, at0(home, 0))
	f.commit(home, 0)
	f.commit(home, 1)
	f.write(func(tx store.Tx) error {
		return tx.PutCommit(store.Commit{Space: home.Row, Since: 2, Ref: ref("bare"), At: at(2)})
	})
	f.equal(read(f, at0(home, 1)), store.Commit{Space: home.Row, Since: 1, Ref: ref("commit", 1), At: at(1), Transaction: []byte("transaction 1")})
	f.equal(read(f, at0(home, 2)), store.Commit{Space: home.Row, Since: 2, Ref: ref("bare"), At: at(2)})
	missing(f, store.ErrNotFound, at0(home, 3))
	missing(f, store.ErrNotFound, at0(home, -1))
	missing(f, store.ErrNotFound, at0(away, 0))

	space := read(f, func(r store.Reader) (charm.Space, error) { return r.Space(home.DID) })
	f.equal(space.Since, int64(2))
	f.equal(space.Commit, ref("bare"))
	f.equal(read(f, func(r store.Reader) (charm.Space, error) { return r.Space(away.DID) }), away)

	for _, wrong := range []store.Commit{{Space: home.Row, Since: 2}, {Space: home.Row, Since: 4}, {Space: home.Row, Since: 0}, {Space: 4711}} {
		if err := f.Update(f.Context(), func(tx store.Tx) error { return tx.PutCommit(wrong) }); err == nil {
			f.Errorf("commit %d of space %d was taken after commit 2 of space %d", wrong.Since, wrong.Space, home.Row)
		}
	}
}

func testLargeValues(f *fixture) {
	home := f.space("home")
	large := bytes.Repeat([]byte("0123456789abcdef"), charm.MaxDocumentBytes/16)
	f.write(func(tx store.Tx) error {
		f.ok(tx.AddFact(store.Fact{Space: home.Row, The: doc, Of: "of:large", Since: 0, Is: large}))
		return tx.PutCommit(store.Commit{Space: home.Row, Transaction: large})
	})
	if got := f.head(home, "of:large").Is; !bytes.Equal(got, large) {
		f.Errorf("a large value came back with %d bytes, want %d", len(got), len(large))
	}
	got := read(f, func(r store.Reader) (store.Commit, error) { return r.CommitAt(home.Row, 0) }).Transaction
	if !bytes.Equal(got, large) {
		f.Errorf("a large transaction came back with %d bytes, want %d", len(got), len(large))
	}
	odd := []byte("\"\x00 \xff \u2028 🎈 \\ud800\"")
	f.write(func(tx store.Tx) error {
		return tx.AddFact(store.Fact{Space: home.Row, The: doc, Of: "of:odd", Since: 1, Is: odd})
	})
	f.equal(f.head(home, "of:odd").Is, odd)
}
