package manager

import (
	"slices"
	"strconv"
	"strings"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/wire"
)

// cellPlan says what becomes of a charm's own cells when it gets another recipe.
type cellPlan struct {
	internal *jsontext.Object // what the process document holds of them afterwards
	cells    []api.UpdatedCell
	loses    bool
}

// planCells carries cells over by their names. Those that have none but a number
// (__#0, by the order in which a recipe makes them) are told apart by what they
// begin with: another handler in front of them must not give one the state of
// another. Streams hold nothing, and what follows from other cells is made anew.
func planCells(stored *jsontext.Object, before, after []wire.Cell, moves map[string]string) (cellPlan, error) {
	p := cellPlan{internal: jsontext.NewObject()}
	from, err := sources(stored, before, after, moves)
	if err != nil {
		return p, err
	}
	used := map[string]bool{}
	for _, c := range after {
		was, ok := from[c.Name]
		value, has := stored.Get(was)
		if !ok || !has {
			if c.Kind == wire.CellState {
				p.cells = append(p.cells, api.UpdatedCell{Name: c.Name, Fate: api.CellNew, Value: c.Initial})
			}
			continue
		}
		used[was] = true
		p.internal.Set(c.Name, value)
		if c.Kind == wire.CellState {
			told := api.UpdatedCell{Name: c.Name, Fate: api.CellKept, Value: brief(value)}
			if was != c.Name {
				told.Fate, told.Was = api.CellMoved, was
			}
			p.cells = append(p.cells, told)
		}
	}
	for _, name := range stateNames(before) {
		if value, has := stored.Get(name); has && !used[name] {
			p.loses = true
			p.cells = append(p.cells, api.UpdatedCell{Name: name, Fate: api.CellDropped, Value: brief(value)})
		}
	}
	return p, nil
}

// sources says for each cell afterwards under which name its value is stored now.
func sources(stored *jsontext.Object, before, after []wire.Cell, moves map[string]string) (map[string]string, error) {
	from := map[string]string{}
	taken := map[string]bool{}
	for was, name := range moves {
		_, has := stored.Get(was)
		if !has || !slices.ContainsFunc(after, func(c wire.Cell) bool { return c.Name == name && c.Kind == wire.CellState }) {
			return nil, charm.Errorf(charm.CodeInvalid, "--move %s=%s: the charm has no such cell, or the new recipe none to move it to", was, name).
				WithHint("--dry-run lists the cells by their names")
		}
		from[name], taken[was] = was, true
	}
	kinds := map[string]string{}
	for _, c := range before {
		kinds[c.Name] = c.Kind
	}
	var lost, fresh []wire.Cell // numbered ones, in order
	for _, c := range before {
		if numbered(c.Name) && c.Kind == wire.CellState && !taken[c.Name] {
			lost = append(lost, c)
		}
	}
	for _, c := range after {
		value, has := stored.Get(c.Name)
		_, moved := from[c.Name]
		switch {
		case moved || c.Kind == wire.CellStream || taken[c.Name]:
		case numbered(c.Name):
			if c.Kind == wire.CellState {
				fresh = append(fresh, c)
			}
		case has && !isStreamMark(value) && (c.Kind == wire.CellState || kinds[c.Name] != wire.CellState):
			from[c.Name] = c.Name
		}
	}
	for _, pair := range paired(lost, fresh) {
		from[pair[1]] = pair[0]
	}
	return from, nil
}

// numbered reports whether a cell has no name of its own.
func numbered(name string) bool {
	digits, ok := strings.CutPrefix(name, "__#")
	_, err := strconv.Atoi(digits)
	return ok && err == nil
}

// paired matches cells in their order: all of them when there are as many as
// before, else the most that begin with the same.
func paired(before, after []wire.Cell) (pairs [][2]string) {
	if len(before) == len(after) {
		for i := range before {
			pairs = append(pairs, [2]string{before[i].Name, after[i].Name})
		}
		return pairs
	}
	// longest[i][j] is the length of the best match of before[i:] and after[j:].
	longest := make([][]int, len(before)+1)
	for i := range longest {
		longest[i] = make([]int, len(after)+1)
	}
	for i := len(before) - 1; i >= 0; i-- {
		for j := len(after) - 1; j >= 0; j-- {
			if before[i].Initial == after[j].Initial {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(before) && j < len(after); {
		switch {
		case before[i].Initial == after[j].Initial:
			pairs = append(pairs, [2]string{before[i].Name, after[j].Name})
			i, j = i+1, j+1
		case longest[i+1][j] >= longest[i][j+1]:
			i++
		default:
			j++
		}
	}
	return pairs
}

// stateNames are the names under which the recipe before keeps state.
func stateNames(before []wire.Cell) (names []string) {
	for _, c := range before {
		if c.Kind == wire.CellState {
			names = append(names, c.Name)
		}
	}
	return names
}

func isStreamMark(v any) bool {
	o, ok := v.(*jsontext.Object)
	if !ok {
		return false
	}
	mark, _ := o.Get("$stream")
	return mark == true
}

// mostBrief is how much of a cell's value is told, bytes.
const mostBrief = 200

func brief(v any) string {
	text := jsontext.Text(v)
	if len(text) > mostBrief {
		return strings.ToValidUTF8(text[:mostBrief], "") + "…"
	}
	return text
}

// storedCells are the cells of a recipe that cannot be asked.
func storedCells(stored *jsontext.Object) (list []wire.Cell) {
	for name, value := range stored.All() {
		kind := wire.CellState
		if isStreamMark(value) {
			kind = wire.CellStream
		}
		list = append(list, wire.Cell{Name: name, Kind: kind, Initial: "unknown"})
	}
	return list
}
