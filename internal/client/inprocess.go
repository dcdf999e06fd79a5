package client

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// InProcess is a transport whose server is the handler, so that a command which
// opens the service itself takes the same way through the API as one that
// speaks to a daemon.
func InProcess(h http.Handler) http.RoundTripper { return inProcess{h} }

type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	served := req.Clone(req.Context())
	served.RequestURI = req.URL.RequestURI()
	served.Host = req.URL.Host
	served.RemoteAddr = "127.0.0.1:0"
	if served.Body == nil {
		served.Body = http.NoBody
	}
	defer served.Body.Close()
	reply := &reply{header: http.Header{}}
	t.handler.ServeHTTP(reply, served)
	reply.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: strconv.Itoa(reply.status) + " " + http.StatusText(reply.status), StatusCode: reply.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: reply.header, Body: io.NopCloser(&reply.body), ContentLength: int64(reply.body.Len()), Request: req,
	}, nil
}

// reply is the http.ResponseWriter of one request.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *reply) Header() http.Header { return r.header }

func (r *reply) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *reply) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}
