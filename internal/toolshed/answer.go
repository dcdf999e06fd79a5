package toolshed

import "net/http"

// answer remembers the status that a request was answered with.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter. Of several statuses the last is
// the answer's: those before it only announce one.
func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController: flushing and taking the connection over.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
