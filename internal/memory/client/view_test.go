package client

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"charmd/internal/jsontext"
)

func newView() *view { return &view{held: map[Place]*held{}} }

func changesOf(t interface{ Fatal(...any) }, facts ...Fact) *jsontext.Object {
	args, err := transaction(facts, nil)
	if err != nil {
		t.Fatal(err)
	}
	return object(args, "changes")
}

func everything(Place) bool { return true }

func TestViewGoesByCauses(t *testing.T) {
	t.Parallel()
	f := chain(docA, 5)
	cases := []struct {
		name    string
		first   int   // the fact that the first answer brings, 0 for none
		effects []int // in the order they come in
		want    float64
		news    []float64
		doubts  int
	}{
		{"in order", 1, []int{2, 3}, 3, []float64{2, 3}, 0},
		{"the first ever", 0, []int{1, 2}, 2, []float64{1, 2}, 0},
		{"twice the same", 1, []int{2, 2, 2}, 2, []float64{2}, 0},
		{"what the answer had already", 3, []int{3, 4}, 4, []float64{4}, 0},
		{"the one before the answer", 3, []int{2, 4}, 4, []float64{4}, 0},
		{"an old one again", 1, []int{2, 3, 4, 2, 3}, 4, []float64{2, 3, 4}, 0},
		{"one is missing", 1, []int{3}, 1, nil, 1},
		{"two are missing, asked for once", 1, []int{3, 4, 5}, 1, nil, 1},
		{"in the wrong order", 1, []int{3, 2}, 2, []float64{2}, 1},
		{"older than what is known", 4, []int{1, 2}, 4, nil, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v, doubts := newView(), 0
			if c.first > 0 {
				v.answer(Selection{docA}, []Fact{f[c.first-1]}, 0, false)
			}
			for _, i := range c.effects {
				doubtful, err := v.effect(changesOf(t, f[i-1]), everything)
				if err != nil {
					t.Fatal(err)
				}
				doubts += len(doubtful)
			}
			var news []float64
			for _, f := range v.news {
				news = append(news, n(f))
			}
			if got := n(v.at(docA).fact); got != c.want || !slices.Equal(news, c.news) || doubts != c.doubts {
				t.Errorf("it holds %v, news %v, %d doubts; want %v, %v, %d", got, news, doubts, c.want, c.news, c.doubts)
			}
		})
	}
}

// Between a question and its answer effects may come in that are newer than the
// answer, or older.
func TestViewAndAnswersThatCross(t *testing.T) {
	t.Parallel()
	f := chain(docA, 5)
	cases := []struct {
		name    string
		held    int
		effects []int // after the question
		answer  int   // 0: that there is nothing
		want    float64
		again   bool
	}{
		{"nothing happened", 1, nil, 4, 4, false},
		{"the answer is what is held", 1, []int{2}, 2, 2, false},
		{"the answer is right before", 1, []int{2}, 1, 2, false},
		{"the answer is long before", 1, []int{2, 3, 4}, 1, 4, false},
		{"the answer is right after", 1, []int{2}, 3, 3, false},
		{"the answer is far after: it may be older, for all that is known", 1, []int{2}, 5, 2, true},
		{"an effect in doubt, and the answer is older", 1, []int{4}, 3, 3, true},
		{"an effect in doubt, and nothing was there", 0, []int{4}, 0, -1, true},
		{"the first effect, and nothing was there", 0, []int{1}, 0, 1, false},
		{"it is gone", 3, nil, 0, -1, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := newView()
			if c.held > 0 {
				v.answer(Selection{docA}, []Fact{f[c.held-1]}, 0, false)
			}
			since := v.clock
			for _, i := range c.effects {
				if _, err := v.effect(changesOf(t, f[i-1]), everything); err != nil {
					t.Fatal(err)
				}
			}
			var facts []Fact
			if c.answer > 0 {
				facts = f[c.answer-1 : c.answer]
			}
			again := v.answer(Selection{docA}, facts, since, true)
			if got := n(v.at(docA).fact); got != c.want && !c.again || (len(again) > 0) != c.again {
				t.Errorf("it holds %v and asks again for %v; want %v, %v", got, again, c.want, c.again)
			}
		})
	}
}

// Whatever is lost, doubled and mixed up on the way, and however late answers are:
// once everything that was asked for is answered, the view holds what is there.
func TestViewsConverge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		places := []Place{docA, docB}
		chains := map[Place][]Fact{docA: chain(docA, 12), docB: chain(docB, 12)}
		done := map[Place]int{} // committed so far
		type question struct {
			sel    Selection
			since  int64
			answer []Fact
			asked  bool // the server has looked
		}
		v := newView()
		var effects []Fact // on their way
		var open []*question
		ask := func(sel Selection) {
			if len(sel) > 0 {
				open = append(open, &question{sel: sel, since: v.clock})
			}
		}
		look := func(q *question) {
			if q.asked {
				return
			}
			q.asked = true
			for _, p := range q.sel {
				if done[p] > 0 {
					q.answer = append(q.answer, chains[p][done[p]-1])
				}
			}
		}
		ask(places)
		step := func(what int) {
			switch what {
			case 0: // a commit
				p := rapid.SampledFrom(places).Draw(t, "place")
				if done[p] < len(chains[p]) {
					effects = append(effects, chains[p][done[p]])
					done[p]++
				}
			case 1: // an effect arrives, perhaps out of order and not for the last time
				if len(effects) > 0 {
					i := rapid.IntRange(0, min(2, len(effects)-1)).Draw(t, "effect")
					doubtful, err := v.effect(changesOf(t, effects[i]), everything)
					if err != nil {
						t.Fatal(err)
					}
					if rapid.IntRange(0, 3).Draw(t, "keep") > 0 {
						effects = slices.Delete(effects, i, i+1)
					}
					ask(doubtful)
				}
			case 2: // the server looks at a question
				if len(open) > 0 {
					look(open[0])
				}
			case 3: // and its answer arrives
				if len(open) > 0 && open[0].asked {
					q := open[0]
					open = open[1:]
					ask(v.answer(q.sel, q.answer, q.since, true))
				}
			}
		}
		for _, what := range rapid.SliceOfN(rapid.IntRange(0, 3), 0, 80).Draw(t, "steps") {
			step(what)
		}
		for range 1000 { // everything arrives
			if len(effects) == 0 && len(open) == 0 {
				break
			}
			if len(effects) > 0 {
				doubtful, err := v.effect(changesOf(t, effects[0]), everything)
				if err != nil {
					t.Fatal(err)
				}
				effects = effects[1:]
				ask(doubtful)
			}
			step(2)
			step(3)
		}
		for _, p := range places {
			if got := v.at(p).fact; len(open) > 0 || got.Ref != (Fact{Ref: lastRef(chains[p], done[p])}).Ref {
				t.Fatalf("%s holds %v, want %d; %d questions open", p.Of, n(got), done[p], len(open))
			}
		}
	})
}

func lastRef(facts []Fact, n int) (ref [32]byte) {
	if n == 0 {
		return ref
	}
	return facts[n-1].Ref
}

func TestNewsIsBounded(t *testing.T) {
	t.Parallel()
	v := newView()
	a, b := chain(docA, 3*maxNews), chain(docB, 1)
	if _, err := v.effect(changesOf(t, b...), everything); err != nil {
		t.Fatal(err)
	}
	for _, f := range a {
		if _, err := v.effect(changesOf(t, f), everything); err != nil {
			t.Fatal(err)
		}
		if len(v.news) > maxNews {
			t.Fatalf("%d changes wait to be read", len(v.news))
		}
	}
	if last := v.news[len(v.news)-1]; last.Ref != a[len(a)-1].Ref || !slices.ContainsFunc(v.news, func(f Fact) bool { return f.Ref == b[0].Ref }) {
		t.Errorf("the last of a place was left out: %d changes, the newest %v", len(v.news), n(last))
	}
}
