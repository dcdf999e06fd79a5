package inside

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"charmd/internal/wire"

	"github.com/google/go-cmp/cmp"
)

// program makes a run of a whole program under a recipe id.
func (l *lab) program(id, program string) *wire.Result {
	l.programs[id] = program
	task := taskOf(id)
	task.Timeout = 2 * time.Second
	return l.m.Run(task)
}

func TestRecipesThatDoNotLoad(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		for program, want := range map[string]string{
			"throw new RangeError('at the top')":   "RangeError: at the top",
			"await null; throw new Error('later')": "Error: later",
			"const x = ;":                          "SyntaxError: ",
			"})":                                   "SyntaxError: ",
			"":                                     "Error: never settled",
			"await new Promise(() => {})":          "Error: never settled",
			"module.exports.default = 1; Promise.reject(new Error('alone'))": "Error: alone",
			"require('x').host.doc('" + charmID + "')":                       "TypeError: no document can be read while the recipe is being loaded",
			"require('x').host.put('" + charmID + "', '{}')":                 "TypeError: no document can be changed while",
			"await require('x').fetch('http://a')":                           "TypeError: no request can be made while",
			"throw null":                                                     "null",
		} {
			r := l.program(program, program)
			if r.Ended != wire.LoadFailed {
				t.Errorf("%q: %s %+v", program, r.Ended, r.Reason)
				continue
			}
			if got := strings.TrimPrefix(r.Load.Name+": "+r.Load.Message, ": "); !strings.HasPrefix(got, want) {
				t.Errorf("%q: %q, want %q", program, got, want)
			}
		}
		if len(l.asked) > 0 || len(l.fetched) > 0 {
			t.Error("the host was asked while loading")
		}
		l.expect("1", `save(1)`)
	})
}

func TestTheStackOfALoadFailureLeadsToTheProgram(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	r := l.program("a", "\n  null.x")
	if r.Load == nil || !strings.Contains(r.Load.Stack, "recipe.js:2:") {
		t.Errorf("%+v", r.Load)
	}
}

func TestEndlessLoadsEnd(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		for program, want := range map[string]wire.Ended{
			"require('x').host.log('log', 'loading'); for (;;);": wire.EndedEarly,
			"for (;;) await null":                                wire.EndedEarly,
			"const all = []; for (;;) all.push({})":              wire.OutOfMemory,
		} {
			l.programs[program] = program
			task := taskOf(program)
			if want == wire.EndedEarly {
				task.Timeout = 300 * time.Millisecond
			}
			var prints []string
			if strings.Contains(program, "loading") {
				prints = []string{"loading"}
			}
			for {
				if r := l.m.Run(task); r.Ended != want {
					t.Fatalf("%s: %s %+v", program, r.Ended, r.Reason)
				}
				diff := cmp.Diff(prints, l.printed())
				if diff == "" {
					break
				}
				// A busy machine may take long to come as far as the log.
				if task.Timeout *= 2; task.Timeout > 10*time.Second {
					t.Fatalf("%s: %s", program, diff)
				}
			}
		}
		l.expect("1", `save(1)`)
	})
}

func TestWhatLoadingDoesIsPartOfEveryRun(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		program := `
			const {host, save, sleep, timer} = require("x");
			host.log("info", "loading");
			let state = [Math.random(), host.entropy(1)[0], JSON.parse(host.env())];
			timer(1, () => {}, true);
			await sleep(2);
			state.push("slept");
			module.exports.default = () => { host.log("log", "running"); state.push("ran"); save(state); }`
		var first *wire.Result
		for i := range 3 {
			task := taskOf("recipe")
			task.Seed, task.Occasion = uint64(i), fmt.Sprint("job-", i)
			l.programs["recipe"] = program
			r := l.m.Run(task)
			if first == nil {
				first = r
			}
			if len(r.Changed) != 1 || !strings.HasSuffix(string(r.Changed[0].Text), `{"apiUrl":"http://toolshed.test","occasion":""},"slept","ran"]}`) {
				t.Fatalf("%+v %+v", r, r.Load)
			}
			if diff := cmp.Diff(string(first.Changed[0].Text), string(r.Changed[0].Text)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"loading", "running"}, l.printed()); diff != "" {
				t.Error(diff)
			}
		}
		if len(l.loaded) != 1 {
			t.Errorf("the program was asked for %d times", len(l.loaded))
		}
	})
}

func TestRecipesAreKeptByUse(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	body := func(i int) string { return fmt.Sprintf(`save(%d)`, i) }
	for i := range mostImages + 1 {
		l.expect(fmt.Sprint(i), body(i))
		l.expect("0", body(0)) // used all the time, so never the one to go
	}
	if len(l.loaded) != mostImages+1 {
		t.Errorf("%d programs were asked for", len(l.loaded))
	}
	l.expect("1", body(1))
	l.expect(fmt.Sprint(mostImages), body(mostImages))
	if got := l.loaded[len(l.loaded)-1]; len(l.loaded) != mostImages+2 || got != body(1) {
		t.Errorf("%d programs, the last %q", len(l.loaded), got)
	}
}
