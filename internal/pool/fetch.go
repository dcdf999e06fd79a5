package pool

import (
	"context"
	"sync"

	"charmd/internal/charm"
	"charmd/internal/wire"
)

// fetches is the requests of one run that are on their way.
type fetches struct {
	mu    sync.Mutex
	open  map[uint64]context.CancelFunc
	last  uint64 // highest number so far
	count int
}

// begin notes a request. Its number must be new, also to the runs before: replies
// of those may still be in the pipe.
func (f *fetches) begin(ctx context.Context, op uint64) (context.Context, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if op <= f.last {
		return nil, wire.Violationf("request %d after request %d", op, f.last)
	}
	if f.count++; f.count > charm.MaxRequestsPerRun {
		return nil, wire.Violationf("more than %d requests", charm.MaxRequestsPerRun)
	}
	ctx, cancel := context.WithCancel(ctx)
	if f.open == nil {
		f.open = map[uint64]context.CancelFunc{}
	}
	f.last, f.open[op] = op, cancel
	return ctx, nil
}

// cancel ends a request that may have been answered already.
func (f *fetches) cancel(op uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if op == 0 || op > f.last {
		return wire.Violationf("cancels request %d, which it did not make", op)
	}
	if cancel, open := f.open[op]; open {
		cancel()
	}
	return nil
}

// end forgets a request.
func (f *fetches) end(op uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open[op]()
	delete(f.open, op)
}

func (r *run) fetch(m *wire.Fetch) error {
	ctx, err := r.fetches.begin(r.ctx, m.Op)
	if err != nil {
		return err
	}
	r.calls.Go(func() {
		defer r.fetches.end(m.Op)
		reply, taken := r.host.Fetch(ctx, *m)
		defer taken()
		reply.Op = m.Op
		if ctx.Err() == nil {
			r.send(&reply)
		}
	})
	return nil
}
