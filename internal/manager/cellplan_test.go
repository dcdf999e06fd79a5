package manager

import (
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/wire"
)

func object(t *testing.T, text string) *jsontext.Object {
	t.Helper()
	v, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return v.(*jsontext.Object)
}

// cells reads "name kind initial, …".
func cells(text string) (list []wire.Cell) {
	for part := range strings.SplitSeq(text, ", ") {
		words := strings.Fields(part)
		if len(words) < 2 {
			continue
		}
		list = append(list, wire.Cell{Name: words[0], Kind: words[1], Initial: strings.Join(words[2:], " ")})
	}
	return list
}

func TestWhatBecomesOfCells(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, stored, before, after string
		moves                       map[string]string
		internal, told              string
		loses                       bool
	}{
		{name: "named cells stay", stored: `{"a":1,"b":2}`, before: "a state 0, b state 0", after: "b state 0, a state 0, c state 9",
			internal: `{"b":2,"a":1}`, told: "b kept 2, a kept 1, c new 9"},
		{name: "one that is gone", stored: `{"a":1,"b":2}`, before: "a state, b state", after: "a state",
			internal: `{"a":1}`, told: "a kept 1, b dropped 2", loses: true},
		{name: "one that never held anything", stored: `{"a":1}`, before: "a state, b state", after: "a state",
			internal: `{"a":1}`, told: "a kept 1"},
		{name: "another name", stored: `{"a":1}`, before: "a state", after: "b state", moves: map[string]string{"a": "b"},
			internal: `{"b":1}`, told: "a>b moved 1"},
		{name: "names that change places", stored: `{"a":1,"b":2}`, before: "a state, b state", after: "a state, b state", moves: map[string]string{"a": "b", "b": "a"},
			internal: `{"a":2,"b":1}`, told: "b>a moved 2, a>b moved 1"},
		{name: "as many numbered ones", stored: `{"__#0":{"$stream":true},"__#1":5,"__#2":[6]}`, before: "__#0 stream, __#1 state 0, __#2 state []",
			after: "__#0 state 1, __#1 stream, __#2 stream, __#3 state []", internal: `{"__#0":5,"__#3":[6]}`, told: "__#1>__#0 moved 5, __#2>__#3 moved [6]"},
		{name: "one more in front", stored: `{"__#0":5,"__#1":[6]}`, before: "__#0 state 0, __#1 state []", after: "__#0 state x, __#1 state 0, __#2 state []",
			internal: `{"__#1":5,"__#2":[6]}`, told: "__#0 new x, __#0>__#1 moved 5, __#1>__#2 moved [6]"},
		{name: "one less in between", stored: `{"__#0":5,"__#1":"s","__#2":[6]}`, before: "__#0 state 0, __#1 state s, __#2 state []", after: "__#0 state 0, __#1 state []",
			internal: `{"__#0":5,"__#1":[6]}`, told: "__#0 kept 5, __#2>__#1 moved [6], __#1 dropped \"s\"", loses: true},
		{name: "what follows from others is made anew", stored: `{"sum":3,"__#0":4,"a":1}`, before: "a state, sum computed, __#0 computed", after: "a state, __#0 computed, sum computed",
			internal: `{"a":1,"sum":3}`, told: "a kept 1"},
		{name: "state in place of a stream", stored: `{"a":{"$stream":true}}`, before: "a stream", after: "a state []", internal: `{}`, told: "a new []"},
		{name: "a stream in place of state", stored: `{"a":[1]}`, before: "a state", after: "a stream", internal: `{}`, told: "a dropped [1]", loses: true},
		{name: "computed in place of state", stored: `{"a":[1]}`, before: "a state", after: "a computed", internal: `{}`, told: "a dropped [1]", loses: true},
		{name: "state in place of computed", stored: `{"a":[1]}`, before: "a computed", after: "a state", internal: `{"a":[1]}`, told: "a kept [1]"},
	} {
		plan, err := planCells(object(t, c.stored), cells(c.before), cells(c.after), c.moves)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var told []string
		for _, u := range plan.cells {
			name := u.Name
			if u.Was != "" {
				name = u.Was + ">" + name
			}
			told = append(told, strings.TrimSpace(name+" "+u.Fate+" "+u.Value))
		}
		if got := strings.Join(told, ", "); got != c.told || plan.loses != c.loses {
			t.Errorf("%s: told %s, loses %t", c.name, got, plan.loses)
		}
		if got := jsontext.Text(plan.internal); got != c.internal {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	_, err := planCells(object(t, `{"a":1}`), cells("a state"), cells("b stream"), map[string]string{"a": "b"})
	if charm.CodeOf(err) != charm.CodeInvalid {
		t.Errorf("moving to a stream: %v", err)
	}
}

// A recipe that cannot be asked any more has whatever is stored.
func TestCellsOfARecipeThatIsBroken(t *testing.T) {
	t.Parallel()
	stored := object(t, `{"a":1,"go":{"$stream":true},"__#0":5}`)
	plan, err := planCells(stored, storedCells(stored), cells("__#0 state 0, go stream, a state, b state"), nil)
	if err != nil || jsontext.Text(plan.internal) != `{"__#0":5,"a":1}` || plan.loses {
		t.Errorf("%s %+v %v", jsontext.Text(plan.internal), plan.cells, err)
	}
}
