package egress

import (
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEveryRequestIsTold sends one that is answered and one that is refused.
func TestEveryRequestIsTold(t *testing.T) {
	t.Parallel()
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "tea")
	})
	told := make(chan Entry, 2)
	client := clientFor(t, Options{Ended: func(e Entry) { told <- e }}, port)
	_, entry := mustGet(t, client, base)
	if diff := cmp.Diff(entry, <-told); diff != "" || entry.Status != http.StatusTeapot || entry.Verdict != VerdictSent {
		t.Errorf("(-returned +told)\n%s", diff)
	}
	_, entry, err := client.Do(t.Context(), Policy{}, Request{URL: "http://" + privateIP + "/"})
	if diff := cmp.Diff(entry, <-told); err == nil || diff != "" || entry.Verdict != VerdictRefused {
		t.Errorf("%v (-returned +told)\n%s", err, diff)
	}
}
