package runcharm

import (
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/egress"
)

// requestOverhead is counted for each request of a ledger beside its texts.
const requestOverhead = 256

// ledger is the requests that a run has sent, whatever became of the attempt that
// did. A reply that another attempt is given again is no request.
type ledger struct {
	mu    sync.Mutex
	list  []charm.Request
	bytes int
}

func (l *ledger) add(at time.Time, e egress.Entry) {
	size := requestOverhead + len(e.Method) + len(e.URL) + len(e.Host) + len(e.Proxy) + len(e.Error)
	for _, host := range e.Via {
		size += len(host)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bytes += size; l.bytes > charm.MaxLedgerBytes {
		return // how many there were is counted
	}
	l.list = append(l.list, charm.Request{
		At: at.UTC().Round(time.Millisecond), Method: e.Method, URL: e.URL, Host: e.Host, Via: e.Via, Address: e.Address, Proxy: e.Proxy, Status: e.Status,
		Verdict: string(e.Verdict), BytesIn: e.BytesIn, BytesOut: e.BytesOut, TookMs: float64(e.Elapsed.Microseconds()) / 1000, Error: e.Error,
	})
}

// all is the requests so far.
func (l *ledger) all() []charm.Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list[:len(l.list):len(l.list)]
}
