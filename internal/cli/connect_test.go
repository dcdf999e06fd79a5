package cli

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"charmd/internal/api"
)

// Row 16: answers that some page sends to the command do not take the place of the
// provider's.
func TestFault16_ForgedAnswersCrowdOutNone(t *testing.T) {
	t.Parallel()
	answers := make(chan api.ConnectFinish)
	page := answerPage(answers)
	var sent sync.WaitGroup
	for _, state := range []string{"forged", "forged", "", "forged", "ours"} {
		sent.Go(func() {
			w := httptest.NewRecorder()
			page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, answerPath+"?code=1&state="+state, nil))
			if w.Code != http.StatusOK {
				t.Errorf("%q: %d", state, w.Code)
			}
		})
	}
	for state := ""; state != "ours"; {
		state = (<-answers).State
	}
	go func() {
		for range answers { // those that came behind it
		}
	}()
	sent.Wait()
	close(answers)
}
