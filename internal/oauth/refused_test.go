package oauth

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// What is refused is kept with its reason, over restarts, and bounded however much of it
// there is.
func TestFault16_RefusedAnswersAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begun := w.begin("mine")
	_, err := w.Finish(t.Context(), "google", "theirs", w.allow(begun))
	if !errors.Is(err, ErrForged) || strings.Contains(err.Error(), "session") {
		t.Fatalf("it ended with %v", err)
	}
	w.Refuse(t.Context(), "google", "192.0.2.1", err)
	w.clock.pass(time.Minute)
	w.Refuse(t.Context(), "google", "192.0.2.1", err)
	w.Refuse(t.Context(), "evil\x1b[2J", "192.0.2.2", errors.New("it has no state"))
	w.restart()
	list := w.Refused()
	if len(list) != 2 || list[0].Provider != "" || list[0].Why != "it has no state" || list[1].Times != 2 || list[1].From != "192.0.2.1" ||
		list[1].Why != "its state was made in another session" || list[1].Last.Sub(list[1].First) != time.Minute {
		t.Errorf("kept are %+v", list)
	}
	before := w.written()
	for i := range 3 * mostRefused {
		w.Refuse(t.Context(), "google", fmt.Sprint("198.51.100.", i), errors.New("it has no state"))
	}
	if n := w.written() - before; n != writesPerMinute {
		t.Errorf("a flood of answers was written %d times", n)
	}
	w.clock.pass(time.Minute)
	w.Refuse(t.Context(), "google", "203.0.113.1", errors.New("it has no state"))
	w.restart()
	if list := w.Refused(); len(list) != mostRefused || list[0].From != "203.0.113.1" || list[1].From != fmt.Sprint("198.51.100.", 3*mostRefused-1) {
		t.Errorf("after it %d are kept, first %+v", len(list), list[0])
	}
}
