package server

import (
	"errors"
	"net/http"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// result is what a request came to: its text, and the status it has over HTTP.
type result struct {
	status int
	text   []byte
}

var ended = []byte(`{"ok":{}}`)

// committed is the result of a transaction: its entry in the space's log.
func committed(space string, r memory.Receipt, transaction []byte) result {
	t := make([]byte, 0, len(transaction)+len(space)+192)
	t = jsontext.Append(append(t, `{"ok":{`...), space)
	t = append(append(t, `:{"`+memory.CommitJSON+`":{"`...), r.Cause.String()...)
	t = append(append(t, `":{"is":`...), memory.EntryText(r.Since, transaction)...)
	return result{http.StatusOK, append(t, `}}}}}`...)}
}

// answered is the result of a query.
func answered(space string, found []byte) result {
	t := jsontext.Append([]byte(`{"ok":{`), space)
	t = append(append(t, ':'), found...)
	return result{http.StatusOK, append(t, `}}`...)}
}

// failed is the result of a request that was not carried out (memory spec §7.7).
func (s *Server) failed(r *frames.Request, err error) result {
	if e, ok := errors.AsType[frames.Unauthorized](err); ok {
		return result{http.StatusUnauthorized, refusal(e)}
	}
	if e, ok := errors.AsType[*memory.Conflict](err); ok {
		return result{http.StatusConflict, conflict(e, r)}
	}
	cause, status := s.explain(err)
	t := failure{}
	if r.Cmd == frames.Transact {
		t.begin(frames.TransactionError)
		t.value("stack", "")
		t.value("message", "Failed to commit transaction because: "+cause.message)
		t.raw("transaction", jsontext.Append(nil, r.Object))
	} else {
		selection, selects := r.Args.Get("select")
		shown := "undefined"
		if selects {
			shown = jsontext.Text(selection)
		}
		t.begin(frames.QueryError)
		t.value("stack", "")
		t.value("message", "Query "+shown+" in "+r.Sub+" failed: "+cause.message)
		t.value("space", r.Sub)
		if selects {
			t.raw("selector", []byte(shown))
		}
	}
	t.raw("cause", cause.text())
	return result{status, t.end()}
}

// reason is the cause inside an error, as JavaScript names it.
type reason struct {
	kind, code, message string
}

func (r reason) text() []byte {
	o := jsontext.NewObject()
	o.Set("name", r.kind)
	if r.code != "" {
		o.Set("code", r.code)
	}
	o.Set("message", r.message)
	o.Set("stack", "")
	return jsontext.Append(nil, o)
}

// explain says why something failed, without what is not for users.
func (s *Server) explain(err error) (reason, int) {
	if e, ok := errors.AsType[*memory.Invalid](err); ok {
		return reason{kind: e.Kind, message: e.Message}, http.StatusBadRequest
	}
	if e, ok := errors.AsType[*charm.Error](err); ok && e.Code != charm.CodeInternal {
		switch {
		case e.Code == charm.CodeTooLarge:
			return reason{"Error", string(e.Code), e.Message}, http.StatusBadRequest
		case e.Code == charm.CodeNoRoom:
			return reason{"Error", string(e.Code), e.Message}, http.StatusInsufficientStorage
		case s.o.Store.Health() != nil: // its message names our files
			return reason{"Error", string(charm.CodeNoRoom), "nothing can be written now: the disk is full, or does not work"}, http.StatusInsufficientStorage
		}
		return reason{"Error", string(e.Code), e.Message}, http.StatusServiceUnavailable
	}
	if s.work.Err() != nil || errors.Is(err, store.ErrClosed) {
		return reason{"Error", string(charm.CodeUnavailable), "the service is stopping"}, http.StatusServiceUnavailable
	}
	s.o.Logger.Error("a request to the memory failed", "err", err)
	return reason{"Error", string(charm.CodeInternal), "something went wrong inside; the service's log says what"}, http.StatusServiceUnavailable
}

// refusal is the error of who may not, with what the original says of it.
func refusal(e frames.Unauthorized) []byte {
	t := failure{}
	t.begin(frames.AuthorizationError)
	if e != frames.ErrSignature {
		t.value("message", string(e))
		t.value("stack", "")
	}
	if e == frames.ErrIssuer {
		t.raw("cause", []byte("{}"))
	}
	return t.end()
}

func conflict(c *memory.Conflict, r *frames.Request) []byte {
	o := jsontext.NewObject()
	o.Set("space", c.Space)
	o.Set("the", c.The)
	o.Set("of", c.Of)
	if o.Set("expected", nil); !c.Expected.IsZero() {
		o.Set("expected", c.Expected.JSON())
	}
	shown := jsontext.Append(nil, o)
	shown = append(shown[:len(shown)-1], `,"actual":`...)
	shown = append(append(shown, actual(c)...), '}')

	t := failure{}
	t.begin(frames.ConflictError)
	t.value("stack", "")
	t.value("message", c.Error())
	t.raw("conflict", shown)
	t.raw("transaction", jsontext.Append(nil, r.Object))
	return t.end()
}

// actual is the fact that is there, whose value is text already.
func actual(c *memory.Conflict) []byte {
	if c.Actual == nil {
		return []byte("null")
	}
	o := jsontext.NewObject()
	o.Set("the", c.The)
	o.Set("of", c.Of)
	o.Set("cause", merkle.Ref(c.Actual.Cause).JSON())
	t := jsontext.Append(nil, o)
	if c.Actual.Is != nil {
		t = append(append(t[:len(t)-1], `,"is":`...), c.Actual.Is...)
		t = append(t, '}')
	}
	return t
}

// failure puts an error's text together.
type failure struct{ t []byte }

func (f *failure) begin(name string)       { f.t = append(f.t, `{"error":{"name":"`+name+`"`...) }
func (f *failure) value(key, value string) { f.raw(key, jsontext.Append(nil, value)) }
func (f *failure) raw(key string, value []byte) {
	f.t = append(append(f.t, `,"`+key+`":`...), value...)
}
func (f *failure) end() []byte { return append(f.t, `}}`...) }
