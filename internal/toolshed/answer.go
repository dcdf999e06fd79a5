package toolshed

import (
	"net/http"
	"time"
)

// answer remembers the status that a request was answered with, and waits only so
// long for a client to take the answer.
type answer struct {
	http.ResponseWriter
	status int
	began  bool // something was written
	within time.Duration
}

// WriteHeader implements http.ResponseWriter. Of several statuses the last is
// the answer's: those before it only announce one.
func (a *answer) WriteHeader(status int) {
	a.begin()
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.begin()
	return a.ResponseWriter.Write(b)
}

// begin counts the client's time from the first byte: how long it took to have an
// answer is not its fault. A connection that is taken over is without the deadline.
func (a *answer) begin() {
	if !a.began {
		a.began = true
		_ = http.NewResponseController(a.ResponseWriter).SetWriteDeadline(time.Now().Add(a.within)) // a test's recorder has none
	}
}

// Unwrap is for http.ResponseController: flushing and taking the connection over.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
