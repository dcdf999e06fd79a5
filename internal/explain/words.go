package explain

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// clock is the time of day, with the date when that is another one.
func (f Facts) clock(t time.Time) string { return clock(f.Now, t) }

func clock(now, t time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// since is a time that has passed: "since 10:31:00 (3m)".
func (f Facts) since(t time.Time) string {
	return fmt.Sprintf("since %s (%s)", f.clock(t), span(f.Now.Sub(t)))
}

// until is a time to come: "in 42s, at 10:31:00"; "now" when it has come.
func (f Facts) until(t time.Time) string {
	if !t.After(f.Now) {
		return "now"
	}
	return fmt.Sprintf("in %s, at %s", span(t.Sub(f.Now)), f.clock(t))
}

// span is a duration in one unit that suits it, never less than nothing.
func span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int((d+time.Second-1)/time.Second))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d/time.Hour))
	}
	return fmt.Sprintf("%dd", int(d/(24*time.Hour)))
}

// reason is what is given for something, after a colon; "" when nothing is, or
// no more than what the sentence says already.
func reason(text, known string) string {
	if text = short(text); text == "" || text == known {
		return ""
	}
	return ": " + text
}

// mostRunes bounds what a sentence quotes.
const mostRunes = 200

// short is the first line of a text, not too much of it.
func short(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = strings.TrimRight(text, " .")
	if utf8.RuneCountInString(text) <= mostRunes {
		return text
	}
	return string([]rune(text)[:mostRunes]) + "…"
}

// whole are the service's own reasons, uncut: they end with the command that helps.
func whole(reasons []string) string {
	return strings.TrimRight(strings.Join(reasons, "; "), " .")
}

func first(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}
