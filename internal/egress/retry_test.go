package egress

import (
	"net/http"
	"testing"
	"time"
)

// GitHub and Google answer 403, too, to who asks too often.
func TestForbiddenForAWhile(t *testing.T) {
	t.Parallel()
	if e := evidenceOf(reply(http.StatusForbidden, time.Minute), nil); e.of[ofCharm] != failed || e.of[everybody] != alive || e.wait != time.Minute {
		t.Errorf("a 403 with Retry-After tells %+v", e)
	}
	if e := answered(http.StatusForbidden); e.of[ofCharm] != alive {
		t.Errorf("a 403 without tells %+v", e)
	}
}
