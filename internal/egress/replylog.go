package egress

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// MaxRecordedBytes is how much of replies a Log keeps.
const MaxRecordedBytes = 64 << 20

// recordOverhead is counted for each reply beside its bytes.
const recordOverhead = 512

// Log keeps the replies of one attempt at a job, so that a run repeated because
// its documents had changed gets the replies it got before and sends nothing
// twice. Requests are told apart by method, URL, headers, body, redirect
// mode and connection; equal ones by their order. It is safe for concurrent use.
type Log struct {
	mu      sync.Mutex
	records map[requestKey][]*record
	asked   map[requestKey]int // occurrences in this run
	bytes   int
}

type requestKey [sha256.Size]byte

// record is one request's outcome. Its fields are set before done is closed.
type record struct {
	done  chan struct{}
	kept  bool
	reply Reply
	entry Entry
	err   error
}

// NewLog returns an empty Log.
func NewLog() *Log {
	return &Log{records: make(map[requestKey][]*record), asked: make(map[requestKey]int)}
}

// Rewind starts a repetition: the first of equal requests is the first again.
func (l *Log) Rewind() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.asked)
}

// Do returns what the same request got before, failures too, or carries it out
// by do. When the repetition asks for a request that is still under way, it
// waits for that one. A cancelled request is not kept; neither is a reply
// beyond MaxRecordedBytes, whose Entry then says so. The last result is true
// for a replayed outcome, whose Entry is that of the request as it was sent.
// The log keeps the Reply itself: its headers and body must not be changed.
func (l *Log) Do(ctx context.Context, do func() (Reply, Entry, error), req Request) (Reply, Entry, error, bool) {
	key := keyOf(req)
	n, r, mine := l.occur(key)
	for !mine {
		select {
		case <-r.done:
		case <-ctx.Done():
			entry, err := cancelled(req)
			return Reply{}, entry, err, false
		}
		if r.kept {
			return r.reply, r.entry, r.err, true
		}
		l.mu.Lock()
		r, mine = l.claim(key, n)
		l.mu.Unlock()
	}
	reply, entry, err := l.perform(r, do)
	return reply, entry, err, false
}

// occur counts one more request with key in this run.
func (l *Log) occur(key requestKey) (n int, r *record, mine bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = l.asked[key]
	l.asked[key]++
	r, mine = l.claim(key, n)
	return n, r, mine
}

// claim is the record of occurrence n; mine when the caller is the one to carry
// the request out, because nobody has or because the outcome was not kept.
// l.mu is held.
func (l *Log) claim(key requestKey, n int) (r *record, mine bool) {
	if n < len(l.records[key]) {
		r = l.records[key][n]
		select {
		case <-r.done:
			if r.kept {
				return r, false
			}
		default:
			return r, false
		}
	} else {
		l.records[key] = append(l.records[key], nil)
	}
	r = &record{done: make(chan struct{})}
	l.records[key][n] = r
	return r, true
}

// perform carries a request out and keeps its outcome if it may be kept. The
// record is done even when do panics, so that nobody waits for it for ever.
func (l *Log) perform(r *record, do func() (Reply, Entry, error)) (Reply, Entry, error) {
	defer close(r.done)
	reply, entry, err := do()
	if failure, ok := errors.AsType[*Error](err); ok && failure.Code == CodeCanceled {
		return reply, entry, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	size := reply.size() + recordOverhead
	if l.bytes+size > MaxRecordedBytes {
		entry.Note = "the reply was not kept: if the run is repeated, the request is sent again"
		return reply, entry, err
	}
	l.bytes += size
	r.kept, r.reply, r.entry, r.err = true, reply, entry, err
	return reply, entry, err
}

func cancelled(req Request) (Entry, *Error) {
	err := newError(CodeCanceled, hostOf(req.URL), "the request was cancelled")
	return Entry{
		Method: req.Method, URL: redactURL(req.URL), Host: err.Host,
		Verdict: VerdictCanceled, Error: err.Message,
	}, err
}

// size is roughly what r takes in memory.
func (r Reply) size() int {
	n := len(r.URL) + len(r.StatusText) + len(r.Body)
	for _, h := range r.Headers {
		n += len(h[0]) + len(h[1]) + 32 // two string headers
	}
	return n
}

// keyOf hashes every part with its length, so that no two different requests
// share a key.
func keyOf(req Request) requestKey {
	h := sha256.New()
	number := func(n int) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	part := func(s string) {
		number(len(s))
		io.WriteString(h, s)
	}
	part(req.Method)
	part(req.URL)
	part(req.Redirect)
	part(req.Connection)
	number(len(req.Headers))
	for _, header := range req.Headers {
		part(header[0])
		part(header[1])
	}
	h.Write(req.Body)
	var key requestKey
	h.Sum(key[:0])
	return key
}
