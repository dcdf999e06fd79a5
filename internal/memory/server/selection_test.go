package server_test

import (
	"fmt"
	"strings"
	"testing"

	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
)

// What selections find (memory spec §6) in a space with a document that was
// written twice, one that was retracted, and one of another kind.
func TestSelections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, owner := w.dial(), user("owner")
	space := owner.DID()
	const twice, gone, noted = "of:twice", "of:gone", "of:noted"
	conn.mustDo(write(t, space, owner, twice, first(twice), "1"), owner) // 0
	second := factOf(t, twice, first(twice), "1")
	conn.mustDo(write(t, space, owner, gone, first(gone), `{"a":[]}`), owner) // 1
	retracted := factOf(t, gone, first(gone), `{"a":[]}`)
	conn.mustDo(write(t, space, owner, twice, second, "2"), owner)                                                                     // 2
	conn.mustDo(invocation(t, frames.Transact, space, owner, `{"changes":{%q:{"application/json":{%q:{}}}}}`, gone, retracted), owner) // 3
	note := merkle.Unclaimed("text/plain", noted)
	conn.mustDo(invocation(t, frames.Transact, space, owner, `{"changes":{%q:{"text/plain":{%q:{"is":"n"}}}}}`, noted, note), owner) // 4

	names := strings.NewReplacer(space, "SPACE", second.String(), "SECOND", retracted.String(), "RETRACTED", first(twice).String(), "FIRST", note.String(), "NOTE")
	const two, none, text = `"application/json":{"SECOND":{"is":2}}`, `"application/json":{"RETRACTED":{}}`, `"text/plain":{"NOTE":{"is":"n"}}`
	tests := []struct{ name, args, want string }{
		{"one", `{"select":{"of:twice":{"application/json":{}}}}`, `{"of:twice":{` + two + `}}`},
		{"by the cause it has", `{"select":{"of:twice":{"application/json":{"SECOND":{}}}}}`, `{"of:twice":{` + two + `}}`},
		{"by the cause it had", `{"select":{"of:twice":{"application/json":{"FIRST":{}}}}}`, `{"of:twice":{"application/json":{}}}`},
		{"by several causes", `{"select":{"of:twice":{"application/json":{"FIRST":{},"SECOND":{"is":{}}}}}}`, `{"of:twice":{` + two + `}}`},
		{"a wildcard for the cause", `{"select":{"of:twice":{"application/json":{"_":{}}}}}`, `{"of:twice":{` + two + `}}`},
		{"what was never there", `{"select":{"of:never":{"application/json":{}},"of:twice":{"text/plain":{}}}}`, `{"of:never":{"application/json":{}},"of:twice":{"text/plain":{}}}`},
		{"everything of one", `{"select":{"of:twice":{}}}`, `{"of:twice":{` + two + `}}`},
		{"everything of one that is not there", `{"select":{"of:never":{}}}`, `{"of:never":{}}`},
		{"a wildcard of one", `{"select":{"of:noted":{"_":{}}}}`, `{"of:noted":{` + text + `}}`},
		{"a retraction", `{"select":{"of:gone":{}}}`, `{"of:gone":{` + none + `}}`},
		{"a retraction has no value", `{"select":{"of:gone":{"application/json":{"_":{"is":{}}}}}}`, `{"of:gone":{"application/json":{}}}`},
		{"those with a value", `{"select":{"_":{"application/json":{"_":{"is":{}}}}}}`, `{"of:twice":{` + two + `}}`},
		{"whatever is asked of the value", `{"select":{"_":{"application/json":{"_":{"is":7}}}}}`, `{"of:twice":{` + two + `}}`},
		{"one kind of all", `{"select":{"_":{"text/plain":{}}}}`, `{"of:noted":{` + text + `}}`},
		{"a kind that none has", `{"select":{"_":{"image/png":{}}}}`, `{}`},
		{"a name drops what a wildcard found", `{"select":{"_":{"application/json":{}},"of:twice":{"text/plain":{}}}}`, `{"of:gone":{` + none + `},"of:twice":{"text/plain":{}}}`},
		{"a wildcard after a name", `{"select":{"of:twice":{"text/plain":{}},"_":{"application/json":{}}}}`, `{"of:gone":{` + none + `},"of:twice":{"text/plain":{},` + two + `}}`},
		{"a wildcard after a kind", `{"select":{"of:twice":{"text/plain":{},"_":{}}}}`, `{"of:twice":{"text/plain":{},` + two + `}}`},
		{"since before all", `{"select":{"_":{"application/json":{}}},"since":-1}`, `{"of:gone":{` + none + `},"of:twice":{` + two + `}}`},
		{"since the first", `{"select":{"_":{"application/json":{}}},"since":0}`, `{"of:gone":{` + none + `},"of:twice":{` + two + `}}`},
		{"since its own transaction", `{"select":{"_":{"application/json":{}}},"since":2}`, `{"of:gone":{` + none + `}}`},
		{"since between two", `{"select":{"_":{"application/json":{}}},"since":2.5}`, `{"of:gone":{` + none + `}}`},
		{"since the last, by name", `{"select":{"of:twice":{"application/json":{}}},"since":4}`, `{"of:twice":{"application/json":{}}}`},
		{"since more than there is", `{"select":{"_":{"_":{}}},"since":99}`, `{}`},
	}
	for _, tt := range tests {
		args := strings.NewReplacer("SECOND", second.String(), "FIRST", first(twice).String()).Replace(tt.args)
		found, _ := conn.mustDo(invocation(t, frames.Query, space, owner, "%s", args), owner).(*jsontext.Object).Get(space)
		got := parse(t, names.Replace(jsontext.Text(found)))
		if !jsontext.Equal(got, parse(t, tt.want)) {
			t.Errorf("%s: found %s, want %s", tt.name, jsontext.Text(got), tt.want)
		}
	}
	// Without a kind the log's newest entry is among what is found.
	for _, args := range []string{`{"select":{}}`, `{"select":{"_":{}}}`, `{"select":{"_":{"_":{"_":{}}}}}`} {
		found, _ := conn.mustDo(invocation(t, frames.Query, space, owner, "%s", args), owner).(*jsontext.Object).Get(space)
		of, _ := found.(*jsontext.Object).Get(space)
		log, _ := of.(*jsontext.Object).Get(memory.CommitJSON)
		if found.(*jsontext.Object).Len() != 4 || log.(*jsontext.Object).Len() != 1 || !strings.Contains(jsontext.Text(log), `{"is":{"since":4,"transaction":{"cmd":"/memory/transact"`) {
			t.Errorf("%s finds %s", args, jsontext.Text(found))
		}
	}
}

// Transactions on one document (memory spec §5), each with what becomes of it.
func TestTransactionsInTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, owner := w.dial(), user("owner")
	space := owner.DID()
	v1 := factOf(t, doc, first(doc), "1")
	v2 := factOf(t, doc, v1, "2")
	gone := merkle.FactRef(memory.JSON, doc, nil, v2)
	v3 := factOf(t, doc, gone, "3")
	other := first("of:other")
	in := func(changes string) *frames.Invocation {
		changes = strings.NewReplacer("DOC", doc, "BASE", first(doc).String(), "V1", v1.String(), "V2", v2.String(), "GONE", gone.String(), "V3", v3.String(), "OTHER", other.String()).Replace(changes)
		return invocation(t, frames.Transact, space, owner, `{"changes":%s}`, changes)
	}
	const expectedOf = "The application/json of " + doc + " in "
	tests := []struct{ name, changes, fails, expected, actual string }{
		{"an update of nothing", `{"DOC":{"application/json":{"V1":{"is":2}}}}`, " was expected to be V1, but it does not exists", "V1", "null"},
		{"a claim of nothing", `{"DOC":{"application/json":{"V1":true}}}`, " was expected to be V1, but it does not exists", "V1", "null"},
		{"two in a row at once", `{"DOC":{"application/json":{"BASE":{"is":1},"V1":{"is":2}}}}`, "", "", ""},
		{"the last of them again", `{"DOC":{"application/json":{"V1":{"is":2}}}}`, "", "", ""},
		{"the first of them again", `{"DOC":{"application/json":{"BASE":{"is":1}}}}`, " already exists as V2", "null", `{"the":"application/json","of":"DOC","cause":V1,"is":2}`},
		{"another beginning", `{"DOC":{"application/json":{"BASE":{"is":9}}}}`, " already exists as V2", "null", `{"the":"application/json","of":"DOC","cause":V1,"is":2}`},
		{"a claim that is late", `{"DOC":{"application/json":{"V1":true}}}`, " was expected to be V1, but it is V2", "V1", `{"the":"application/json","of":"DOC","cause":V1,"is":2}`},
		{"a claim that holds", `{"DOC":{"application/json":{"V2":true}}}`, "", "", ""},
		{"all or nothing", `{"of:other":{"application/json":{"OTHER":{"is":1}}},"DOC":{"application/json":{"V1":{"is":5}}}}`, " was expected to be V1, but it is V2", "V1", `{"the":"application/json","of":"DOC","cause":V1,"is":2}`},
		{"a claim and a retraction", `{"DOC":{"application/json":{"V2":{}}},"of:other":{"application/json":{"OTHER":{"is":1,"more":0}}}}`, "", "", ""},
		{"the retraction again", `{"DOC":{"application/json":{"V2":{}}}}`, "", "", ""},
		{"a beginning after it", `{"DOC":{"application/json":{"BASE":{"is":3}}}}`, " already exists as GONE", "null", `{"the":"application/json","of":"DOC","cause":V2}`},
		{"what follows it", `{"DOC":{"application/json":{"GONE":{"is":3}}}}`, "", "", ""},
		{"a claim of it", `{"DOC":{"application/json":{"GONE":true}}}`, " was expected to be GONE, but it is V3", "GONE", `{"the":"application/json","of":"DOC","cause":GONE,"is":3}`},
		{"a retraction of what was never there", `{"of:never":{"application/json":{"` + first("of:never").String() + `":{}}}}`, "", "", ""},
		{"nothing", `{}`, "", "", ""},
	}
	links := strings.NewReplacer("DOC", doc, "V1", link(v1), "V2", link(v2), "V3", link(v3), "GONE", link(gone))
	refs := strings.NewReplacer("V1", v1.String(), "V2", v2.String(), "V3", v3.String(), "GONE", gone.String())
	commits := 0
	for _, tt := range tests {
		i := in(tt.changes)
		if tt.fails == "" {
			made := jsontext.Text(conn.mustDo(i, owner))
			if !strings.Contains(made, fmt.Sprintf(`{"is":{"since":%d,"transaction":`, commits)) {
				t.Errorf("%s: made %s, want number %d", tt.name, short(made), commits)
			}
			commits++
			continue
		}
		e := conn.mustFail(i, owner, frames.ConflictError)
		if want := expectedOf + space + refs.Replace(tt.fails); e.Message != want {
			t.Errorf("%s: says %q, want %q", tt.name, e.Message, want)
		}
		conflict, _ := e.Body.Get("conflict")
		want := `{"space":"` + space + `","the":"application/json","of":"` + doc + `","expected":` + links.Replace(tt.expected) + `,"actual":` + links.Replace(tt.actual) + `}`
		if got := jsontext.Text(conflict); got != want {
			t.Errorf("%s: the conflict is\n%s, want\n%s", tt.name, got, want)
		}
		if sent, _ := e.Body.Get("transaction"); !jsontext.Equal(sent, i.Object) {
			t.Errorf("%s: the transaction is %s", tt.name, jsontext.Text(sent))
		}
	}
}

// link is a reference in its form as a link's text.
func link(r merkle.Ref) string { return `{"/":"` + r.Link() + `"}` }
