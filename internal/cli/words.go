package cli

import (
	"fmt"
	"strings"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
)

// span is a duration in one unit that suits it: "12s", "3m", "5h", "2d".
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// relative says when t is: "3m ago", "in 12s", "now"; "" for no time.
func (a *app) relative(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	switch d := t.Sub(a.now()); {
	case d >= time.Second:
		return "in " + span(d)
	case d <= -time.Second:
		return span(-d) + " ago"
	}
	return "now"
}

// moment is the local time with how far away it is; "" for no time.
func (a *app) moment(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%s)", t.Local().Format(time.DateTime), a.relative(t))
}

// refOf is how people write the charm.
func refOf(c api.Charm) string {
	space, name := c.SpaceName, c.Name
	if space == "" {
		space = c.Space
	}
	if name == "" {
		name = c.CharmID
	}
	return space + "/" + name
}

// statusColour is the colour of a charm's or job's status, or of an outcome.
func statusColour(status string) colour {
	switch status {
	case string(charm.Completed), string(charm.OK):
		return good
	case string(charm.Pending), string(charm.Running):
		return normal
	case "unregistered", "left out", string(charm.Canceled):
		return faint
	case "waiting", "disabled", "paused", string(charm.Lost), string(charm.Conflicted), string(charm.Remote), string(charm.NeedsReconnect):
		return uneasy
	}
	return bad
}

// firstLine is the text up to its first line break.
func firstLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}
