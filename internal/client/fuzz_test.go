package client

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"charmd/internal/charm"
)

// What answers at an address need not be a charmd. Its answer is understood, or an error
// of one line's worth with a code, by which commands end.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`[{"space":"did:key:z6Mk","name":"news","state":{"totalExecutions":1}}]`))
	f.Add(404, []byte(`{"error":{"code":"not_found","message":"no charm is called x","hint":"charmd list"}}`))
	f.Add(401, []byte(`{"error":{"code":"unauthorized"}}`))
	f.Add(502, []byte(`<html>`))
	f.Add(101, []byte(`{"error":[]}`))
	c := New("http://127.0.0.1:8000", "sesame", nil)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		var out any
		err := c.read(&http.Response{StatusCode: status, Status: http.StatusText(status)}, body, &out)
		if (err == nil) != (status/100 == 2 && json.Valid(body)) {
			t.Fatalf("%d %q: %v", status, body, err)
		}
		if err == nil {
			return
		}
		e, ok := errors.AsType[*charm.Error](err)
		if !ok || e.Code == "" || charm.ExitCode(err) == 0 {
			t.Errorf("%d %q: %#v ends a command with %d", status, body, err, charm.ExitCode(err))
		}
	})
}
