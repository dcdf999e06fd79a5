package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"charmd/internal/observe"
)

// colour is a colour of a terminal, as the number of its escape sequence.
type colour string

// The colours, named after what they are used for.
const (
	normal colour = ""
	strong colour = "1"
	faint  colour = "2"
	bad    colour = "31"
	good   colour = "32"
	uneasy colour = "33"
)

// cell is one field of a table.
type cell struct {
	text   string
	colour colour
}

// plain is a cell without colour. Whatever the text came from, it fits on one
// line of a terminal.
func plain(text string) cell { return tinted(normal, text) }

func tinted(c colour, text string) cell { return cell{observe.Line(text), c} }

func plainf(format string, args ...any) cell { return plain(fmt.Sprintf(format, args...)) }

// table prints rows with aligned columns under a header. At a terminal, lines are
// cut to its width.
func (a *app) table(header []string, rows [][]cell) {
	head := make([]cell, len(header))
	for i, name := range header {
		head[i] = tinted(faint, name)
	}
	width, _ := a.size()
	a.rows(append([][]cell{head}, rows...), width)
}

// rows prints rows with aligned columns, cut to width unless that is 0.
func (a *app) rows(rows [][]cell, width int) {
	widths := columnWidths(rows)
	coloured := a.coloured(a.out.w)
	for _, row := range rows {
		a.print("%s", line(row, widths, width, coloured))
	}
}

func columnWidths(rows [][]cell) []int {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	return widths
}

// line is one row, its last field not padded, cut to width unless that is 0.
func line(row []cell, widths []int, width int, coloured bool) string {
	var b strings.Builder
	used := 0
	for i, c := range row {
		text := c.text
		if width > 0 {
			text = cut(text, width-used)
		}
		length := utf8.RuneCountInString(text)
		if coloured && c.colour != normal && text != "" {
			text = "\x1b[" + string(c.colour) + "m" + text + "\x1b[0m"
		}
		b.WriteString(text)
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", widths[i]-length+2))
		}
		used += widths[i] + 2
	}
	return strings.TrimRight(b.String(), " ")
}

// cut is text of at most width characters, an ellipsis for what is missing.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	if width <= 0 {
		return ""
	}
	return string([]rune(text)[:width-1]) + "…"
}

// fields prints names and values in two columns; those without value are left out.
func (a *app) fields(pairs ...field) {
	var rows [][]cell
	for _, p := range pairs {
		if p.value.text != "" {
			rows = append(rows, []cell{tinted(faint, p.name), p.value})
		}
	}
	a.rows(rows, 0)
}

type field struct {
	name  string
	value cell
}
