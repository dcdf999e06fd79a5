package queue_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/queue"
	"charmd/internal/store"
)

// TestFault22_TenThousandDueAtOnce has ten thousand charms due in the same
// second, half of them in one space: what is in flight stays bounded, every
// charm gets its turn, and no space waits for the large one.
func TestFault22_TenThousandDueAtOnce(t *testing.T) {
	const spaces, charms, inFlight = 21, crowd, 20
	inBubble(t, func(w *world) {
		name := func(i int) string { return fmt.Sprintf("did:key:space-%02d", i) }
		w.update(func(tx store.Tx) error {
			for i := range spaces {
				if _, err := tx.PutSpace(charm.Space{DID: name(i), Since: -1, CreatedAt: time.Now()}); err != nil {
					return err
				}
			}
			for n := range charms {
				s := name(0) // one tenant has registered half of them
				if n >= charms/2 {
					s = name(1 + n%(spaces-1))
				}
				c := charm.Charm{
					Space: s, ID: fmt.Sprintf("baedrei-%d", n), Registered: true,
					Schedule: charm.Schedule{Every: time.Hour}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
				}
				var err error
				if c.Row, err = tx.PutCharm(c); err != nil {
					return err
				}
				if err := w.queue.Put(tx, c, charm.State{}); err != nil {
					return err
				}
			}
			return nil
		})
		began := time.Now()
		var flying []queue.Claim
		ran := map[string]bool{}
		first, last := map[string]int{}, map[string]int{}
		var waits []time.Duration
		take := func(c queue.Claim) {
			flying = append(flying, c)
			if ran[c.Charm.ID] {
				return // its grid had a point meanwhile
			}
			ran[c.Charm.ID] = true
			if _, seen := first[c.Charm.Space]; !seen {
				first[c.Charm.Space] = len(ran)
			}
			last[c.Charm.Space] = len(ran)
			waits = append(waits, time.Since(began))
		}
		for len(flying) < inFlight {
			take(w.next())
		}
		for len(flying) > 0 {
			time.Sleep(time.Millisecond) // twenty at once, a millisecond from end to end
			done := flying[0]
			flying = flying[1:]
			var next *queue.Claim
			w.update(func(tx store.Tx) error {
				run := charm.Run{
					ID: done.Job.Run, Charm: done.Charm.Row, Job: done.Job.ID, Attempt: 1, Outcome: charm.OK,
					DueAt: done.Job.DueAt, StartedAt: done.Job.ClaimedAt, EndedAt: time.Now(),
				}
				s, err := tx.State(done.Charm.Row)
				if err != nil {
					return err
				}
				end := w.queue.Ending(done, run, queue.Wish{})
				s, _ = w.states.After(s, run, end.Final)
				if err := w.queue.End(tx, done, run, end, s); err != nil {
					return err
				}
				next = w.queue.ClaimNext(tx)
				return nil
			})
			if next != nil {
				take(*next)
			}
			if rows := len(flying); rows > inFlight {
				w.t.Fatalf("%d runs are in flight", rows)
			}
		}
		if len(ran) != charms {
			w.t.Errorf("%d of %d charms ran", len(ran), charms)
		}
		for s, at := range first {
			if at > 3*spaces {
				w.t.Errorf("%s got its first turn as number %d", s, at)
			}
			// The small ones have a fortieth of the charms each, so with fair turns they
			// are done after some 21 fortieths, and the large one comes last.
			if s != name(0) && last[s] > charms*6/10 {
				w.t.Errorf("%s was done after %d runs, behind the large one", s, last[s])
			}
		}
		slices.Sort(waits)
		w.t.Logf("start delay: p50 %v, p99 %v, most %v", waits[len(waits)/2], waits[len(waits)*99/100], waits[len(waits)-1])
	})
}
