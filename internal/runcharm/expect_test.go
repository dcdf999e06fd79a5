package runcharm_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// end is how a charm stands at the end of a case.
type end struct {
	result any
	docs   map[string]any // stored forms, by id
}

func (p *played) end(t *testing.T) *end {
	t.Helper()
	return &end{p.result(t, p.name), p.stored(t)}
}

// count is how many documents there are. The original's space also has three lists of charms and an
// empty document with the recipe's id.
func (e *end) count() float64 {
	const listsAndRecipe = 4
	return float64(len(e.docs) + listsAndRecipe)
}

func (e *end) value(id string) any {
	doc, _ := e.docs[id].(map[string]any)
	return doc["value"]
}

// compare returns how the case differs from what is expected; "" if it does not.
func (p *played) compare(t *testing.T, expect map[string]json.RawMessage) string {
	t.Helper()
	e := p.ended
	if e == nil {
		e = p.end(t)
	}
	charmID := charmID(p.name).Link()
	n := names{"<charm>": charmID, "<process>": p.process(), "<recipeId>": p.recipe.ID, "<space>": p.space.DID, "<linked>": linkedID}
	own := []string{charmID, p.process(), linkedID}
	var out strings.Builder
	for _, field := range order(expect) {
		var want, got any
		decode(t, string(expect[field]), &want)
		switch field {
		case "result":
			got = e.result
		case "process":
			got = e.value(p.process())
		case "docs":
			others := maps.Clone(e.docs)
			maps.DeleteFunc(others, func(id string, _ any) bool { return slices.Contains(own, id) })
			n.meet(want, others)
			got = others
		case "snapshots":
			got = any(p.snapshots)
		case "recipe":
			decode(t, p.graph, &got)
			want, got = codeless(want), codeless(got)
		case "errors":
			got = list(p.errors)
		case "logs":
			got = list(p.logs)
		case "fetches":
			want, got = requests(want), list(p.fetches)
		case "uiStored":
			page, _ := e.value(charmID).(map[string]any)
			want, got = codeless(want), codeless(page["$UI"])
		case "linkedStored":
			got = e.value(linkedID)
		case "reload":
			got = any(p.reloaded)
		case "docCount":
			got = e.count()
		case "hang":
			// The recommendation instead: the run has ended, and said what failed.
			want, got = true, len(p.errors) > 0
		case "compileError", "compileDetail":
			// The original tells the detail in its log alone.
			want, got = true, p.failure != "" && (firstText(want) == onlyInItsLog || strings.Contains(p.failure, firstText(want)))
		case "secondResult":
			r := p.cast(t, "second", map[string]any{})
			p.commit(t, r)
			got = p.result(t, "second")
		default:
			out.WriteString("nobody knows how to compare " + field + "\n")
			continue
		}
		if diff := gocmp.Diff(n.filled(want, got), got); diff != "" {
			out.WriteString(field + " (-want +got):\n" + diff)
		}
	}
	return out.String()
}

const onlyInItsLog = "Compilation errors in recipe"

// order is the fields of an expectation: first those in which placeholders stand where documents
// are linked.
func order(expect map[string]json.RawMessage) []string {
	fields := slices.Sorted(maps.Keys(expect))
	slices.SortStableFunc(fields, func(a, b string) int {
		return slices.Index(linking, b) - slices.Index(linking, a)
	})
	return fields
}

var linking = []string{"docs", "result", "uiStored", "process"}

// names are the placeholders of recorded cases with what they stand for.
type names map[string]string

var (
	placeholder = regexp.MustCompile(`^<doc\d+>$`)
	reference   = regexp.MustCompile(`^(baedrei|ba4jc)[a-z2-7]{40,}$`)
)

// filled is a recorded value with the placeholders replaced. One that was not met yet stands for
// the reference that is in its place.
func (n names) filled(want, got any) any {
	switch want := want.(type) {
	case string:
		text, _ := got.(string)
		if n[want] == "" && placeholder.MatchString(want) && reference.MatchString(text) {
			n[want] = text
		}
		if text, known := n[want]; known {
			return text
		}
		return want
	case []any:
		out := make([]any, len(want))
		list, _ := got.([]any)
		for i := range want {
			out[i] = n.filled(want[i], at(list, i))
		}
		return out
	case map[string]any:
		out := map[string]any{}
		object, _ := got.(map[string]any)
		for _, key := range slices.SortedFunc(maps.Keys(want), byNumber) {
			name, known := n[key]
			if !known {
				name = key
			}
			out[name] = n.filled(want[key], object[name])
		}
		return out
	}
	return want
}

// meet finds the documents that nothing compared so far leads to: each is the first that is as recorded.
func (n names) meet(want any, docs map[string]any) {
	recorded, _ := want.(map[string]any)
	for _, name := range slices.SortedFunc(maps.Keys(recorded), byNumber) {
		if n[name] != "" {
			continue
		}
		for _, id := range slices.Sorted(maps.Keys(docs)) {
			tried := maps.Clone(n)
			if !slices.Contains(slices.Collect(maps.Values(n)), id) && gocmp.Equal(tried.filled(recorded[name], docs[id]), docs[id]) {
				maps.Copy(n, tried)
				n[name] = id
				break
			}
		}
	}
}

// byNumber orders placeholders: a document is met before those that it alone leads to.
func byNumber(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// requests are recorded requests as method and address.
func requests(recorded any) any {
	out := []any{}
	all, _ := recorded.([]any)
	for _, r := range all {
		request, _ := r.(map[string]any)
		out = append(out, fmt.Sprint(request["method"], " ", request["url"]))
	}
	return out
}

func firstText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			return firstText(v[0])
		}
	}
	return ""
}

// codeless drops what compilers print differently from the function texts in recipe JSON.
func codeless(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, field := range v {
			if text, ok := field.(string); ok && key == "implementation" {
				v[key] = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n;", r) }), "")
			} else {
				v[key] = codeless(field)
			}
		}
	case []any:
		for i := range v {
			v[i] = codeless(v[i])
		}
	case string:
		// A recipe that was made a string.
		var inner any
		if strings.HasPrefix(v, `{"argumentSchema"`) && json.Unmarshal([]byte(v), &inner) == nil {
			return codeless(inner)
		}
	}
	return v
}
