package sqlite

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"charmd/internal/store"
)

// BenchmarkUpdate writes what a counter's run writes.
func BenchmarkUpdate(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			db := open(b, newPath(b), Options{})
			var counters []*counter
			for i := range callers {
				counters = append(counters, newCounter(b, db, fmt.Sprintf("%03d", i)))
			}
			now := time.Now()
			var all sync.WaitGroup
			b.ResetTimer()
			for i, c := range counters {
				all.Go(func() {
					for n := i; n < b.N; n += callers {
						ok(b, db.Update(b.Context(), func(tx store.Tx) error { return c.count(tx, now) }))
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
		})
	}
}

// BenchmarkHead reads one of many documents, in a view of its own and in one of
// a hundred reads.
func BenchmarkHead(b *testing.B) {
	db := open(b, newPath(b), Options{})
	c := newCounter(b, db, "head")
	const documents = 100_000
	name := func(i int) string { return fmt.Sprintf("%s%06d", c.of, i*7919%documents) }
	ok(b, db.Update(b.Context(), func(tx store.Tx) error {
		for i := range documents {
			ok(b, tx.AddFact(store.Fact{Space: 1, The: the, Of: name(i), Is: bytes.Repeat([]byte("x"), 400)}))
		}
		return nil
	}))
	ok(b, db.Checkpoint(b.Context()))
	for _, reads := range []int{1, 100} {
		b.Run(fmt.Sprint("reads=", reads), func(b *testing.B) {
			for i := 0; i < b.N; i += reads {
				ok(b, db.View(b.Context(), func(r store.Reader) error {
					for k := range reads {
						if _, err := r.Head(1, the, name(i+k)); err != nil {
							return err
						}
					}
					return nil
				}))
			}
		})
	}
}
