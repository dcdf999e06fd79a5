package egress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
)

// What one run may have of the service's memory at once.
const (
	mostUnderWay = 16
	mostSending  = 16 << 20 // bytes of the requests that are under way or wait
	smallBody    = 1 << 20  // bytes of a reply; there is one larger one at a time
)

// Share is what one run takes of the service at once. Requests and replies lie in the
// service's memory, which no limit of the worker counts, and a run may make a thousand
// to a thousand hosts. It is safe for concurrent use.
type Share struct {
	places chan struct{} // one element for each request under way
	large  chan struct{} // one while there is a large reply

	mu      sync.Mutex
	sending int // bytes
}

// NewShare is the share of one run.
func NewShare() *Share {
	return &Share{places: make(chan struct{}, mostUnderWay), large: make(chan struct{}, 1)}
}

// Turn is one request's part of a Share, from when it is made until End, when its reply
// has left the service's memory. A nil Turn has no bounds.
type Turn struct {
	share         *Share
	bytes         int
	placed, large bool
}

// Turn is for one request.
func (s *Share) Turn() *Turn { return &Turn{share: s} }

// begin waits until the run may make one more request; tooMuch when its requests are too
// large together, neither when ctx ended first.
func (t *Turn) begin(ctx context.Context, req Request) (ok, tooMuch bool) {
	if t == nil {
		return true, false
	}
	size := len(req.URL) + len(req.Body)
	for _, h := range req.Headers {
		size += len(h[0]) + len(h[1])
	}
	s := t.share
	s.mu.Lock()
	if tooMuch = s.sending > 0 && s.sending+size > mostSending; !tooMuch {
		t.bytes = size
		s.sending += size
	}
	s.mu.Unlock()
	if tooMuch {
		return false, true
	}
	select {
	case s.places <- struct{}{}:
		t.placed = true
	case <-ctx.Done():
	}
	return t.placed, false
}

// End gives back what the request has.
func (t *Turn) End() {
	if t.large {
		<-t.share.large
	}
	if t.placed {
		<-t.share.places
	}
	t.share.mu.Lock()
	t.share.sending -= t.bytes
	t.share.mu.Unlock()
	*t = Turn{share: t.share}
}

// errLargeWaits is a large reply that waited for others of its run until its time was over.
var errLargeWaits = errors.New("there is another large reply")

// read reads at most limit bytes of a reply, of a large one when there is no other.
func (t *Turn) read(ctx context.Context, body io.Reader, limit int64) ([]byte, error) {
	if t == nil || t.large || limit <= smallBody {
		return io.ReadAll(io.LimitReader(body, limit))
	}
	data, err := io.ReadAll(io.LimitReader(body, smallBody))
	if err != nil || len(data) < smallBody {
		return data, err
	}
	select {
	case t.share.large <- struct{}{}:
		t.large = true
	case <-ctx.Done():
		return data, errors.Join(errLargeWaits, context.Cause(ctx))
	}
	whole := bytes.NewBuffer(data)
	_, err = whole.ReadFrom(io.LimitReader(body, limit-smallBody))
	return whole.Bytes(), err
}

// readBody reads a decompressed body of at most limit bytes.
func (x *exchange) readBody(ctx context.Context, resp *http.Response, limit int64) (data []byte, tooLarge bool, err error) {
	if resp.ContentLength > limit && resp.Request.Method != http.MethodHead {
		return nil, true, nil
	}
	data, err = x.turn.read(ctx, resp.Body, limit+1)
	if int64(len(data)) > limit {
		return data[:limit], true, nil
	}
	return data, false, err
}
