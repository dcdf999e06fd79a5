package server

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"strings"

	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
)

// once answers one request over HTTP with its result (memory spec §7.8).
func (s *Server) once(w http.ResponseWriter, r *http.Request, cmd, arg string, carryOut func([]*frames.Request, func(*frames.Request, result))) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		reply(w, http.StatusUnsupportedMediaType, jsonError("TypeError", "the body must be application/json"))
		return
	}
	var body bytes.Buffer
	large, err := s.readWhole(r.Context(), &body, r.Body)
	if large {
		defer func() { <-s.large }()
	}
	if err != nil {
		status := http.StatusBadRequest
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			status = http.StatusRequestEntityTooLarge
		}
		reply(w, status, jsonError("Error", "the body could not be read"))
		return
	}
	v, err := jsontext.Parse(body.Bytes(), jsontext.DefaultLimits)
	if err != nil {
		w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("Malformed JSON in request body"))
		return
	}
	if wrong := shapeOf(v, cmd, arg); wrong != nil {
		reply(w, http.StatusUnprocessableEntity, wrong)
		return
	}
	request, err := frames.RequestOf(v)
	if err != nil {
		reply(w, http.StatusUnprocessableEntity, jsonError("TypeError", err.Error()))
		return
	}
	if refused := s.authentic(request); refused != nil {
		answer := s.failed(request, refused)
		reply(w, answer.status, answer.text)
		return
	}
	var answer result
	carryOut([]*frames.Request{request}, func(_ *frames.Request, r result) { answer = r })
	reply(w, answer.status, answer.text)
}

// upgrading reports whether the request wants to become a WebSocket. The original
// takes the headers in one spelling alone; these are HTTP's rules.
func upgrading(r *http.Request) bool {
	return listed(r.Header["Connection"], "upgrade") && listed(r.Header["Upgrade"], "websocket")
}

func listed(values []string, word string) bool {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), word) {
				return true
			}
		}
	}
	return false
}

// noUpgrade is what the original says to a GET that does not upgrade.
const noUpgrade = `{"success":false,"error":{"issues":[` +
	`{"code":"invalid_literal","expected":"Upgrade","path":["connection"],"message":"Invalid literal value, expected \"Upgrade\""},` +
	`{"code":"invalid_literal","expected":"websocket","path":["upgrade"],"message":"Invalid literal value, expected \"websocket\""}],"name":"ZodError"}}`

func reply(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// jsonError is an error of HTTP rather than of a request.
func jsonError(name, message string) []byte {
	t := failure{}
	t.begin(name)
	t.value("message", message)
	return t.end()
}
