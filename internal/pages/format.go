package pages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/explain"
)

// functions are what templates say things with.
var functions = template.FuncMap{
	"ago": ago, "agoAt": func(t time.Time) template.HTML { return ago(&t) }, "took": explain.Took, "bytes": explain.Size, "count": count,
	"ref": ref, "at": address, "stand": standing, "outcome": outcome, "tree": newTree, "first": firstLine, "pretty": pretty,
	"account": accountStanding, "wantsPerson": wantsPerson, "pausedWhat": api.Pause.What, "percent": percent, "because": because,
}

// ago is a moment for people: how far away it is, with the exact time behind it.
func ago(t *time.Time) template.HTML {
	if t == nil || t.IsZero() {
		return `<span class="soft">–</span>`
	}
	words := "now"
	switch d := time.Until(*t); {
	case d >= time.Second:
		words = "in " + span(d)
	case d <= -time.Second:
		words = span(-d) + " ago"
	}
	exact := t.UTC().Format(time.RFC3339)
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, exact, exact, words))
}

// span is a duration in one unit that suits it.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// count is a number with its noun.
func count(n any, noun string) string {
	if number := fmt.Sprint(n); number != "1" {
		return number + " " + noun + "s"
	}
	return "1 " + noun
}

func percent(part, all int64) string {
	if all == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(all))
}

func firstLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}

// spaceOf and nameOf are how people call a charm's space and the charm in it.
func spaceOf(c api.Charm) string {
	if c.SpaceName == "" {
		return c.Space
	}
	return c.SpaceName
}

func nameOf(c api.Charm) string {
	if c.Name == "" {
		return c.CharmID
	}
	return c.Name
}

func ref(c api.Charm) string { return spaceOf(c) + "/" + nameOf(c) }

// address is the path of a page of a charm that is given as SPACE/NAME.
func address(ref string, rest ...string) string {
	space, name, _ := strings.Cut(ref, "/")
	return "/" + url.PathEscape(space) + "/" + url.PathEscape(name) + strings.Join(rest, "")
}

// stand is how a charm stands, in a word, and how good that is: good, busy,
// uneasy, bad or soft, which are classes of the style.
type stand struct{ Word, Tone string }

func standing(c api.Charm) stand {
	switch c.Status {
	case string(charm.Running):
		return stand{"running", "busy"}
	case "disabled":
		if c.State.DisabledBy == charm.ByPerson {
			return stand{"disabled", "soft"}
		}
		return stand{"disabled", "bad"}
	case "unregistered", "left out":
		return stand{c.Status, "soft"}
	case "paused", "waiting":
		return stand{c.Status, "uneasy"}
	}
	if c.State.LastOutcome == "" {
		return stand{"not run yet", "soft"}
	}
	return outcome(c.State.LastOutcome)
}

// outcome is how a run ended.
func outcome(o charm.Outcome) stand {
	word := strings.ReplaceAll(string(o), "_", " ")
	switch {
	case o == charm.OK:
		return stand{word, "good"}
	case o.CountsAsFailure():
		return stand{word, "bad"}
	case o == charm.Cancelled:
		return stand{word, "soft"}
	}
	return stand{word, "uneasy"}
}

// because is why a run was made.
func because(r charm.Reason) string {
	switch r {
	case charm.Due:
		return "it was due"
	case charm.RunNow:
		return "somebody asked"
	case charm.Retry:
		return "it is tried again"
	case charm.Again:
		return "the next page"
	case charm.Probe:
		return "a try while disabled"
	case charm.Event:
		return "an event of its page"
	}
	return string(r)
}

// pretty is JSON with a line for each member.
func pretty(text json.RawMessage) string {
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return string(text)
	}
	return out.String()
}
