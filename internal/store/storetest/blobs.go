package storetest

import (
	"bytes"

	"charmd/internal/store"
)

func testBlobs(f *fixture) {
	totals := func() (n [2]int64) {
		f.ok(f.View(f.Context(), func(r store.Reader) (err error) {
			n[0], n[1], err = r.BlobTotals()
			return err
		}))
		return n
	}
	blob := func(key string) store.Blob {
		return read(f, func(r store.Reader) (store.Blob, error) { return r.Blob(key) })
	}
	f.equal(totals(), [2]int64{})
	large := store.Blob{Key: "schema-b", At: at(1), Body: bytes.Repeat([]byte("ä"), 1<<20)}
	f.complete(large)
	small := store.Blob{Key: "a", At: at(2), Body: []byte(`{"src":"<&>\u2028"}`)}
	f.write(func(tx store.Tx) error {
		f.ok(tx.PutBlob(large))
		return tx.PutBlob(small)
	})
	f.equal(blob("schema-b"), large)
	f.equal(blob("a"), small)
	f.equal(read(f, store.Reader.BlobKeys), []string{"a", "schema-b"})
	f.equal(totals(), [2]int64{2, 2<<20 + int64(len(small.Body))})
	missing(f, store.ErrNotFound, func(r store.Reader) (store.Blob, error) { return r.Blob("A") })

	small.At, small.Body = at(3), []byte("[]")
	f.write(func(tx store.Tx) error {
		f.ok(tx.PutBlob(small))
		return tx.DeleteBlob("schema-b")
	})
	f.equal(blob("a"), small)
	f.equal(totals(), [2]int64{1, 2})
	f.refused(store.ErrNotFound, func(tx store.Tx) error { return tx.DeleteBlob("schema-b") })
}

func testFactsAt(f *fixture) {
	home, away := f.space("home"), f.space("away")
	f.commit(home, 0, "of:a", "1", "of:b", "22")
	second := f.commit(home, 1, "of:c", "333", "of:a", "")
	f.commit(away, 0, "of:a", "1")
	f.commit(away, 1, "of:a", "2")
	at := func(since int64) []store.Fact {
		return read(f, func(r store.Reader) ([]store.Fact, error) { return r.FactsAt(home.Row, since) })
	}
	got := at(1)
	f.equal(len(got), 2)
	f.sameFact(got[0], second[0])
	f.sameFact(got[1], second[1])
	f.equal(len(at(0)), 2)
	f.equal(len(at(2)), 0)

	f.ok(f.View(f.Context(), func(r store.Reader) error {
		memories, bytes, err := r.Weigh(home.Row, doc)
		f.equal([2]int64{memories, bytes}, [2]int64{2, 5}) // b and c: a is retracted
		return err
	}))
}
