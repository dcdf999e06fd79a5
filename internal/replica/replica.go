// Package replica keeps, in the local store, a copy of the spaces that another
// toolshed has, and writes there first. It exists so that beside another toolshed
// everything reads documents as it does with our own: runs, registry, pages and
// commands see the copy, and only what commits has to know that it is one.
package replica

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/memory"
	"charmd/internal/memory/client"
	"charmd/internal/store"
)

// Options are the parts a Replica works with.
type Options struct {
	Store    store.Store
	Memory   *memory.Memory
	URL      string                              // of the toolshed: recipes, /api/meta
	MemURL   string                              // of the memory, mostly the same
	Operator *identity.Key                       // spaces are named under it
	Dev      bool                                // the published passphrase may be named whatever key the toolshed has
	Given    bool                                // the operator's key was named by the operator, not made here
	Arrived  func(tx store.Tx, did string) error // told of facts that came, in the transaction that copies them
	Changed  func()                              // told when Away may have changed; must not block
	Logger   *slog.Logger
	Now      func() time.Time
}

// Replica is a memory.Upstream.
type Replica struct {
	o      Options
	client *client.Client
	life   context.Context
	end    context.CancelFunc
	loops  sync.WaitGroup

	lenient atomic.Bool // the toolshed does not take claims that nothing is there

	mu     sync.Mutex
	down   error // why there is no connection; nil when there is one
	spaces map[string]*replicated
	access *identity.Key // what spaces of others are used with; nil until it is known
	pings  chan struct{} // closed, and made anew, when the connection is there
}

// New makes a Replica and begins to connect. Close it.
func New(o Options) (*Replica, error) {
	r := &Replica{o: o, spaces: map[string]*replicated{}, pings: make(chan struct{})}
	r.down = charm.Errorf(charm.CodeUnavailable, "the toolshed at %s has not answered yet", o.URL)
	r.life, r.end = context.WithCancel(context.Background())
	c, err := client.New(client.Options{URL: o.MemURL, Changed: r.connection})
	if err != nil {
		r.end()
		return nil, err
	}
	r.client = c
	return r, nil
}

// Close ends the copying. What is not written here by then comes at the next start.
func (r *Replica) Close() {
	r.end()
	r.client.Close()
	r.loops.Wait()
}

// connection is told by the client when it is connected (nil), or is not any more.
func (r *Replica) connection(err error) {
	r.mu.Lock()
	r.down = err
	if err == nil {
		close(r.pings)
		r.pings = make(chan struct{})
	}
	r.mu.Unlock()
	if err != nil {
		r.o.Logger.Warn("the toolshed is not there; charms wait for it", "toolshed", r.o.URL, "err", err)
	} else {
		r.o.Logger.Info("connected to the toolshed", "toolshed", r.o.URL)
	}
	r.o.Changed()
}

// Away is why no charm can run now, "" when they can: the toolshed is not there,
// or does not let us use the space of the registry.
func (r *Replica) Away() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down != nil {
		return r.down.Error()
	}
	system := r.spaces[identity.SystemSpaceDID]
	if system == nil || !system.here() {
		if system != nil && system.failed() != nil {
			return explained(system.failed())
		}
		return "what the toolshed at " + r.o.URL + " holds is being read"
	}
	return ""
}

// explained is an error with what to do about it.
func explained(err error) string {
	text := err.Error()
	if e, ok := asCharmError(err); ok && e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// Follow begins to copy a space, unless that has been done.
func (r *Replica) Follow(did string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.follow(did)
}

func (r *Replica) follow(did string) *replicated {
	c := r.spaces[did]
	if c == nil && r.life.Err() == nil {
		c = newReplicated(r, did)
		r.spaces[did] = c
		r.loops.Go(func() { c.run(r.life) })
	}
	return c
}

// Ready waits until a space is here. The error says why it is not.
func (r *Replica) Ready(ctx context.Context, did string) error {
	r.mu.Lock()
	c := r.follow(did)
	r.mu.Unlock()
	if c == nil {
		return errEnded()
	}
	return c.await(ctx)
}

// notRead is why a space is not here although nothing is wrong with it.
func (r *Replica) notRead(did string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down != nil {
		return r.down
	}
	return charm.Errorf(charm.CodeUnavailable, "what the toolshed at %s holds of the space %s has not been read yet", r.o.URL, did)
}

func errEnded() error {
	return charm.Errorf(charm.CodeCancelled, "the connection to the toolshed was closed")
}
