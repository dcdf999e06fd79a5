package server

import (
	"sync"
	"sync/atomic"

	"github.com/coder/websocket"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
)

// watch is what a subscription listens to: frames.Any stands for every name.
type watch struct{ of, the string }

// subscription is one that a connection has open.
type subscription struct {
	conn    *conn
	job     string
	space   string
	issuer  string
	byRight bool   // whatever the space's ACL says
	made    uint64 // order of making
	watches []watch
}

// watches finds who is to be told of a transaction.
type watches struct {
	limits  Limits
	byRight func(issuer, space string) bool
	slow    atomic.Int64 // connections that did not take their effects

	mu     sync.Mutex
	spaces map[string]*watchedSpace
	conns  map[*conn]*watching
	made   uint64
	count  int // watches in all
	found  map[*conn]*subscription
}

// watching is what one connection has subscribed to.
type watching struct {
	jobs   map[string]*subscription
	spaces map[string]*listening
	count  int // watches
}

// listening is how one connection listens in one space.
type listening struct {
	jobs int   // subscriptions
	told int64 // number of the last transaction it was told
}

type watchedSpace struct {
	all   map[*subscription]struct{}
	index map[watch][]*subscription
	heard int64 // number of the last transaction told
}

func (w *watches) init(l Limits, byRight func(issuer, space string) bool) {
	w.limits, w.byRight = l, byRight
	w.spaces, w.conns, w.found = map[string]*watchedSpace{}, map[*conn]*watching{}, map[*conn]*subscription{}
}

// tell hands a committed transaction to the connections that listen: to each
// once, under its earliest subscription that matches (memory spec §7.5). It runs
// on the store's writer.
func (w *watches) tell(e memory.Effect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	space := w.spaces[e.Space]
	if space == nil {
		return
	}
	space.heard = e.Since
	for _, c := range e.Changes {
		if c.Claim {
			continue
		}
		if c.The == memory.ACLJSON && c.Of == e.Space {
			w.revoke(space, c.Is)
		}
		for _, key := range [...]watch{{c.Of, c.The}, {c.Of, frames.Any}, {frames.Any, c.The}, {frames.Any, frames.Any}} {
			for _, s := range space.index[key] {
				if before := w.found[s.conn]; before == nil || s.made < before.made {
					w.found[s.conn] = s
				}
			}
		}
	}
	for c, s := range w.found {
		w.conns[c].spaces[e.Space].told = e.Since
		if !c.out.effect(message{frames.EffectOf, s.job, e.Invocation}) {
			w.slow.Add(1)
			c.end(websocket.StatusPolicyViolation, "too slow: more effects wait than are kept for a connection", true)
		}
	}
	clear(w.found)
}

// revoke ends the subscriptions of those whom the new ACL does not let read.
func (w *watches) revoke(space *watchedSpace, acl any) {
	for s := range space.all {
		if !s.byRight && memory.GrantedBy(acl, s.issuer) < memory.MayRead {
			w.remove(s)
			delete(w.found, s.conn)
			s.conn.out.effect(message{frames.ReturnOf, s.job, refusal(frames.Unauthorized("The space's ACL does not let " + s.issuer + " read any more"))})
		}
	}
}

// subscriptions is how many there are.
func (w *watches) subscriptions() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, mine := range w.conns {
		n += len(mine.jobs)
	}
	return n
}

// add makes a subscription; the same one a second time is the first.
func (w *watches) add(c *conn, r *frames.Request, list []watch) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	mine := w.conns[c]
	if mine == nil {
		mine = &watching{jobs: map[string]*subscription{}, spaces: map[string]*listening{}}
		w.conns[c] = mine
	}
	job := r.Job()
	if mine.jobs[job] != nil {
		return nil
	}
	if mine.count+len(list) > w.limits.ConnectionWatches || w.count+len(list) > w.limits.Watches {
		return charm.Errorf(charm.CodeTooLarge, "more is subscribed to than this server keeps for a connection, or for all")
	}
	w.made++
	s := &subscription{conn: c, job: job, space: r.Sub, issuer: r.Iss, byRight: w.byRight(r.Iss, r.Sub), made: w.made, watches: list}
	space := w.spaces[r.Sub]
	if space == nil {
		space = &watchedSpace{all: map[*subscription]struct{}{}, index: map[watch][]*subscription{}, heard: -1}
		w.spaces[r.Sub] = space
	}
	space.all[s] = struct{}{}
	for _, key := range list {
		space.index[key] = append(space.index[key], s)
	}
	mine.jobs[job] = s
	if mine.spaces[r.Sub] == nil {
		mine.spaces[r.Sub] = &listening{told: -1}
	}
	mine.spaces[r.Sub].jobs++
	mine.count, w.count = mine.count+len(list), w.count+len(list)
	return nil
}

// end ends the subscription of c with the job, if there is one.
func (w *watches) end(c *conn, job string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if mine := w.conns[c]; mine != nil && mine.jobs[job] != nil {
		w.remove(mine.jobs[job])
	}
}

// drop ends all subscriptions of c.
func (w *watches) drop(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if mine := w.conns[c]; mine != nil {
		for _, s := range mine.jobs {
			w.remove(s)
		}
	}
	delete(w.conns, c)
}

func (w *watches) remove(s *subscription) {
	space, mine := w.spaces[s.space], w.conns[s.conn]
	for _, key := range s.watches {
		list := space.index[key]
		for i := range list {
			if list[i] == s {
				list[i] = list[len(list)-1]
				list[len(list)-1] = nil
				list = list[:len(list)-1]
				break
			}
		}
		if space.index[key] = list; len(list) == 0 {
			delete(space.index, key)
		}
	}
	if delete(space.all, s); len(space.all) == 0 {
		delete(w.spaces, s.space)
	}
	if mine.spaces[s.space].jobs--; mine.spaces[s.space].jobs == 0 {
		delete(mine.spaces, s.space)
	}
	delete(mine.jobs, s.job)
	mine.count, w.count = mine.count-len(s.watches), w.count-len(s.watches)
}

// place calls put, which must not block, when what was seen fits between the
// effects that c was told of: none of them is newer, and none that is older is
// missing. behind says that one may be missing.
func (w *watches) place(c *conn, seen []moment, put func()) (placed, behind bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if mine := w.conns[c]; mine != nil {
		for _, m := range seen {
			in := mine.spaces[m.space]
			if in == nil {
				continue
			}
			if in.told > m.since {
				return false, false
			}
			behind = behind || w.spaces[m.space].heard < m.since
		}
	}
	if behind {
		return false, true
	}
	put()
	return true, false
}

// caughtUp notes that the transactions seen were told.
func (w *watches) caughtUp(seen []moment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range seen {
		if watched := w.spaces[m.space]; watched != nil {
			watched.heard = max(watched.heard, m.since)
		}
	}
}

// watchesOf are what a selection listens to (memory spec §7.5): causes and values
// do not count.
func watchesOf(selection *jsontext.Object) ([]watch, error) {
	var list []watch
	seen := map[watch]bool{}
	err := each(selection, func(of string, byThe any) error {
		inner, err := level(byThe)
		if err != nil {
			return err
		}
		return each(inner, func(the string, _ any) error {
			if w := (watch{of, the}); !seen[w] {
				seen[w] = true
				list = append(list, w)
			}
			return nil
		})
	})
	return list, err
}
