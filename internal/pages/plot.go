package pages

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/explain"
	"charmd/internal/store"
)

// bar is one column of a plot. Parts stand on one another, each with the tone of
// its class in the style.
type bar struct {
	Title string
	Parts []part
	Link  string
}

type part struct {
	Value float64
	Tone  string
}

// plot is columns over time, drawn here so that the page needs no script for it.
type plot struct {
	Title string
	Unit  func(float64) string
	Bars  []bar
	From  string // what stands under the first column, and under the last
	To    string
}

// The drawing's own units; the style gives it its size on the page.
const (
	plotWidth  = 600.0
	plotHeight = 96.0
	// fewestColumns there is room for, so that a few are no walls.
	fewestColumns = 40
)

func (b bar) sum() (sum float64) {
	for _, p := range b.Parts {
		sum += p.Value
	}
	return sum
}

// Most is the largest column.
func (p plot) Most() (most float64) {
	for _, b := range p.Bars {
		most = max(most, b.sum())
	}
	return most
}

// Top is what stands beside the top line.
func (p plot) Top() string { return p.Unit(p.Most()) }

// Empty reports whether there is nothing to draw.
func (p plot) Empty() bool { return p.Most() == 0 }

// SVG is the drawing. All it holds are numbers, tones and escaped texts.
func (p plot) SVG() template.HTML {
	var out strings.Builder
	role := "img"
	if len(p.Bars) > 0 && p.Bars[0].Link != "" {
		role = "group" // of links
	}
	fmt.Fprintf(&out, `<svg viewBox="0 0 %g %g" preserveAspectRatio="none" role="%s" aria-label="%s, at most %s">`,
		plotWidth, plotHeight, role, template.HTMLEscapeString(p.Title), template.HTMLEscapeString(p.Top()))
	columns := max(len(p.Bars), fewestColumns)
	step, most := plotWidth/float64(columns), p.Most()
	gap := min(step*0.2, 2)
	for i, b := range p.Bars {
		i += columns - len(p.Bars) // the last one stands at the right
		if b.sum() == 0 {
			continue
		}
		if b.Link != "" {
			fmt.Fprintf(&out, `<a href="%s" tabindex="-1">`, template.HTMLEscapeString(b.Link))
		}
		fmt.Fprintf(&out, `<g><title>%s</title>`, template.HTMLEscapeString(b.Title))
		top := plotHeight
		for _, part := range b.Parts {
			if part.Value == 0 {
				continue
			}
			height := max(part.Value/most*(plotHeight-2), 1.5)
			top -= height
			fmt.Fprintf(&out, `<rect class="%s" x="%.2f" y="%.2f" width="%.2f" height="%.2f"/>`, part.Tone, float64(i)*step+gap/2, top, step-gap, height)
		}
		out.WriteString("</g>")
		if b.Link != "" {
			out.WriteString("</a>")
		}
	}
	out.WriteString("</svg>")
	return template.HTML(out.String())
}

// durations are a charm's runs, the oldest first, as columns of how long they took.
func durations(runs []api.Run) plot {
	p := plot{Title: "How long the runs took", Unit: explain.Took}
	for i := len(runs) - 1; i >= 0; i-- {
		r := runs[i]
		p.Bars = append(p.Bars, bar{
			Title: fmt.Sprintf("%s: %s, %s", r.StartedAt.UTC().Format(time.DateTime), outcome(r.Outcome).Word, explain.Took(r.DurationMs)),
			Parts: []part{{max(r.DurationMs, 0.01), outcome(r.Outcome).Tone}}, Link: "?run=" + r.ID + "#run",
		})
	}
	if n := len(runs); n > 0 {
		p.From, p.To = fmt.Sprintf("%s, the first %s ago", count(n, "run"), span(time.Since(runs[n-1].StartedAt))), "the last one"
	}
	return p
}

// overTime puts the figures of minutes into columns that each span so long, up to
// now: how many runs, and how late they started.
func overTime(minutes []store.Minute, now time.Time, columns int, each time.Duration, title, from string) (runs, late plot) {
	ends := now.Truncate(each).Add(each)
	begins := ends.Add(-time.Duration(columns) * each)
	sums := make([]store.Minute, columns)
	for _, m := range minutes {
		if i := int(m.Begin.Sub(begins) / each); !m.Begin.Before(begins) && i < columns {
			sums[i].Runs += m.Runs
			sums[i].Failed += m.Failed
			sums[i].Lateness = sums[i].Lateness.Merge(append(charm.Histogram(nil), m.Lateness...))
		}
	}
	runs = plot{Title: "Runs in the last " + title, Unit: func(v float64) string { return fmt.Sprintf("%.0f in %s", v, span(each)) }, From: from, To: "now"}
	late = plot{Title: "How late they started, 95 of 100", Unit: explain.Took, From: from, To: "now"}
	for i, s := range sums {
		at := begins.Add(time.Duration(i) * each).UTC().Format("15:04")
		ms := float64(s.Lateness.Quantile(0.95).Microseconds()) / 1000
		runs.Bars = append(runs.Bars, bar{
			Title: fmt.Sprintf("%s: %d runs, %d not ok", at, s.Runs, s.Failed),
			Parts: []part{{float64(s.Runs - s.Failed), "good"}, {float64(s.Failed), "bad"}},
		})
		late.Bars = append(late.Bars, bar{Title: fmt.Sprintf("%s: 95 of 100 within %s", at, explain.Took(ms)), Parts: []part{{ms, "busy"}}})
	}
	return runs, late
}
