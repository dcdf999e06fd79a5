package toolshed

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestProfilesAreForOperators(t *testing.T) {
	t.Parallel()
	s := New(Options{Pages: plain{}, Service: idle{}, Token: "right", Logger: slog.New(slog.DiscardHandler)})
	for _, what := range []string{"", "profile?seconds=1", "trace?seconds=1", "allocs", "heap", "goroutine"} {
		for _, header := range []string{"", "Bearer wrong"} {
			if w := ask(s, "GET", profilePath+what, "127.0.0.1", "Authorization", header); w.Code != http.StatusUnauthorized {
				t.Errorf("%s as %q: %d", what, header, w.Code)
			}
		}
	}
	get := func(what string) (int, io.Reader) {
		w := ask(s, "GET", profilePath+what, "127.0.0.1", "Authorization", "Bearer right")
		return w.Code, w.Body
	}
	if code, body := get("allocs"); code != http.StatusOK {
		t.Errorf("allocs: %d", code)
	} else if _, err := gzip.NewReader(body); err != nil {
		t.Errorf("allocs is no profile: %v", err)
	}
	if code, body := get("goroutine?debug=1"); code != http.StatusOK {
		t.Errorf("goroutine: %d", code)
	} else if text, err := io.ReadAll(body); err != nil || !strings.Contains(string(text), "TestProfilesAreForOperators") {
		t.Errorf("goroutine: %v\n%s", err, text)
	}
	for _, what := range []string{"cmdline", "symbol", "nothing"} {
		if code, _ := get(what); code != http.StatusNotFound {
			t.Errorf("%s: %d", what, code)
		}
	}
}
