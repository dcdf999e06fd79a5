package live

import (
	"context"
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
)

// redrawEvery is the least time between two drawings of a page that changes all
// the time: what a screen shows.
const redrawEvery = 16 * time.Millisecond

// view is what one charm's pages show, drawn once for all of them.
type view struct {
	server *Server
	charm  charm.Charm
	pages  int           // the server's, under its lock
	wake   chan struct{} // capacity 1: something it shows has changed
	end    context.CancelFunc

	mu      sync.Mutex
	docs    map[string]document // what it was last drawn from
	news    map[string]document // what has been committed since
	drawing bool                // what it is drawn from is not known yet, so all is news
	state   state
	changed chan struct{} // closed with every new state

	telling sync.Mutex
	last    step // told last, since many pages are told the same
}

// step is what makes one tree another, as pages are told.
type step struct {
	from, to *node
	ops      []any
}

// ops lists what makes the tree from the tree to.
func (v *view) ops(from, to *node) []any {
	v.telling.Lock()
	defer v.telling.Unlock()
	if v.last.from != from || v.last.to != to {
		v.last = step{from, to, diff(from, to)}
	}
	return v.last.ops
}

// document is a stored document as of a commit of its space.
type document struct {
	value *jsontext.Object // nil when there is none
	since int64
	size  int // bytes as it is stored; 0 is not known
}

// state is what pages are told of, complete: a page that is slow gets the latest.
type state struct {
	page     page
	standing *jsontext.Object
	err      error
}

func newView(s *Server, c charm.Charm) *view {
	v := &view{
		server: s, charm: c, wake: make(chan struct{}, 1),
		docs: map[string]document{}, news: map[string]document{}, changed: make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(s.ctx)
	v.end = cancel
	go v.run(ctx)
	return v
}

// heard takes note of a transaction in the charm's space. It runs on the store's
// writer.
func (v *view) heard(e memory.Effect) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range e.Changes {
		id, ok := documentID(c)
		if !ok {
			continue
		}
		if _, shown := v.docs[id]; !shown && !v.drawing {
			continue
		}
		doc, _ := c.Is.(*jsontext.Object)
		v.news[id] = document{value: doc, since: e.Since}
		v.stir()
	}
}

func documentID(c memory.Change) (string, bool) {
	if c.Claim || c.The != memory.JSON || len(c.Of) <= len(memory.Of("")) {
		return "", false
	}
	return c.Of[len(memory.Of("")):], true
}

// stir makes the view be drawn again soon.
func (v *view) stir() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

func (v *view) run(ctx context.Context) {
	pace := time.NewTimer(0)
	defer pace.Stop()
	for {
		v.draw(ctx)
		<-pace.C
		pace.Reset(redrawEvery)
		select {
		case <-v.wake:
		case <-ctx.Done():
			return
		}
	}
}

// draw makes the next state from what is stored now.
func (v *view) draw(ctx context.Context) {
	v.mu.Lock()
	known, fresh := v.docs, len(v.news) > 0
	for id, doc := range v.news {
		if doc.since >= known[id].since {
			known[id] = doc
		}
	}
	v.news, v.drawing = map[string]document{}, true
	old := v.state
	v.mu.Unlock()

	next, used := state{page: old.page}, known
	if fresh || old.page.root == nil || old.err != nil {
		used = map[string]document{}
		next.page, next.err = render(ctx, &shelf{ctx: ctx, store: v.server.o.Store, space: v.charm.Space, known: known, used: used, left: mostRead}, v.charm)
	}
	if next.err != nil {
		next.page = old.page
	}
	next.standing = v.server.standing(v.charm, next.page)
	if next.page.root != nil {
		next.page.root = share(old.page.root, next.page.root)
	}

	v.mu.Lock()
	defer v.mu.Unlock()
	if next.err == nil {
		v.docs = used
	}
	v.drawing = false
	for id := range v.news {
		if _, shown := v.docs[id]; !shown {
			delete(v.news, id)
		}
	}
	if next.page.root == old.page.root && jsontext.Equal(next.standing, old.standing) && (next.err == nil) == (old.err == nil) {
		return
	}
	v.state = next
	close(v.changed)
	v.changed = make(chan struct{})
}

// now is the state and what is closed when there is another one.
func (v *view) now() (state, <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state, v.changed
}
