package runcharm

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"charmd/internal/charm"
	"charmd/internal/egress"
)

func TestARecordingIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	small := Recording{Recipe: "ba4jc", Since: 7, Now: 12, APIURL: "http://127.0.0.1:8000", Occasion: "01JOB", Stream: []string{"bgUpdater"}, Event: []byte(`{}`), Timeout: time.Second}
	large := small
	for range 50 {
		large.Requests = append(large.Requests, egress.Recorded{URL: "https://example.org/", Body: json.RawMessage(`"` + strings.Repeat("text ", 1000) + `"`)})
	}
	for name, r := range map[string]Recording{"small": small, "large": large} {
		body, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if limit := 400 + len(r.Requests)*100; len(body) > limit {
			t.Errorf("%s takes %d bytes", name, len(body))
		}
		got, err := DecodeRecording(body)
		if diff := cmp.Diff(r, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	for _, bad := range []string{"", "{", "\x01\xff", `{"since":"1"}`, "{" + strings.Repeat("[", charm.MaxDepth+1)} {
		if r, err := DecodeRecording([]byte(bad)); err == nil {
			t.Errorf("%q is %+v", bad, r)
		}
	}
}

func FuzzDecodeRecording(f *testing.F) {
	f.Add([]byte(`{"recipe":"ba4jc","requests":[{"url":"a","body":"x"}]}`))
	f.Add([]byte("\x01\x4a\x49\x4c\x01"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := DecodeRecording(body); err == nil {
			if _, err := r.Encode(); err != nil {
				t.Error(err)
			}
		}
	})
}

// Lines of the service's own come after those of the charm, at its time.
func TestTheLogKeepsTime(t *testing.T) {
	t.Parallel()
	a := newAttempt(&Session{started: time.UnixMilli(0)})
	a.note("info", "first")
	a.log.last = 1500
	a.note("error", "two\nlines")
	want := "00:00:00.000 info  first\n00:00:01.500 error two\n00:00:01.500 error lines\n"
	if got := a.log.String(); got != want {
		t.Errorf("%q", got)
	}
}
