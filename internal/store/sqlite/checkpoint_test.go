package sqlite

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/store"
)

// TestLogStaysShort writes many times what the log may hold, without a pause.
func TestLogStaysShort(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, path, Options{})
	const writers, each, bytes = 4, 50, 256 << 10
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				ok(t, db.Update(t.Context(), set(fmt.Sprint("writer ", w), strings.Repeat(fmt.Sprint(i%10), bytes))))
			}
		})
	}
	all.Wait()
	// A group, and what is written during a checkpoint, come on top.
	if limit := int64(writers * each * bytes / 2); sizeOf(path+"-wal") > limit {
		t.Errorf("the log has %d bytes after %d were written", sizeOf(path+"-wal"), writers*each*bytes)
	}
	ok(t, db.Checkpoint(t.Context()))
	if n := sizeOf(path + "-wal"); n != 0 {
		t.Errorf("the log has %d bytes after a checkpoint", n)
	}
}

// TestCheckpointDuringView: a view goes on reading what it has begun to read.
func TestCheckpointDuringView(t *testing.T) {
	t.Parallel()
	db := open(t, newPath(t), Options{})
	ok(t, db.Update(t.Context(), set("key", "old")))
	ok(t, db.View(t.Context(), func(r store.Reader) error {
		if v, err := r.Value("key"); v != "old" || err != nil {
			t.Errorf("read %q, %v", v, err)
		}
		ok(t, db.Update(t.Context(), set("key", "new")))
		onWriter(t, db, func(s *session) error {
			_, err := s.checkpoint("passive")
			return err
		})
		if v, err := r.Value("key"); v != "old" || err != nil {
			t.Errorf("after a checkpoint the view reads %q, %v", v, err)
		}
		return nil
	}))
	if v := value(t, db, "key"); v != "new" {
		t.Errorf("read %q", v)
	}
}

func TestVacuumGivesSpaceBack(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, path, Options{})
	for i := range 8 {
		ok(t, db.Update(t.Context(), set(fmt.Sprint("key ", i), strings.Repeat("x", 1<<20))))
	}
	for i := range 8 {
		ok(t, db.Update(t.Context(), set(fmt.Sprint("key ", i), "")))
	}
	ok(t, db.Checkpoint(t.Context()))
	before := sizeOf(path)
	freed, err := db.Vacuum(t.Context(), 100)
	ok(t, err)
	if freed != 100*4096 {
		t.Errorf("freed %d bytes, want 100 pages", freed)
	}
	for freed > 0 {
		freed, err = db.Vacuum(t.Context(), 1000)
		ok(t, err)
	}
	ok(t, db.Checkpoint(t.Context()))
	if after := sizeOf(path); before < 8<<20 || after > 1<<20 {
		t.Errorf("the file had %d bytes and has %d", before, after)
	}
}

// TestRetentionKeepsSmall runs one counter many times, with retention on the
// way, and extrapolates what a million runs leave: less than 100 MB.
func TestRetentionKeepsSmall(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("writes 40,000 runs")
	}
	path := newPath(t)
	db := open(t, path, Options{})
	c := newCounter(t, db, "counter")
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	half := int64(0)
	const runs = 40_000
	for n := range runs / 200 {
		ok(t, db.Update(t.Context(), func(tx store.Tx) error {
			for range 200 {
				at = at.Add(time.Second)
				ok(t, c.count(tx, at))
			}
			return nil
		}))
		for left := 1; left > 0; {
			ok(t, db.Update(t.Context(), func(tx store.Tx) error {
				facts, err := tx.PruneFacts(100, at.Add(-7*24*time.Hour), 1000)
				ok(t, err)
				records, err := tx.PruneRuns(200, at.Add(-30*24*time.Hour), 1000)
				left = facts + records
				return err
			}))
		}
		if n == runs/200/2-1 {
			ok(t, db.Checkpoint(t.Context()))
			half = sizeOf(path)
		}
	}
	ok(t, db.Checkpoint(t.Context()))
	whole := sizeOf(path)
	each := float64(whole-half) / (runs / 2)
	million := float64(half) + each*(1e6-runs/2)
	t.Logf("%d bytes after %d runs, %.1f more with each: %.1f MB after a million", whole, runs, each, million/1e6)
	if million >= 100e6 {
		t.Errorf("a million runs leave %.1f MB", million/1e6)
	}
}
