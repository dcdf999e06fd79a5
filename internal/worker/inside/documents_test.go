package inside

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/wire"

	"github.com/google/go-cmp/cmp"
)

// docID is the id of the nth made-up document.
func docID(n int) string {
	return "baedrei" + strings.Repeat(string(rune('a'+n)), idLength-len("baedrei"))
}

func ahead(docs ...wire.Document) func(*wire.Task) {
	return func(t *wire.Task) { t.Documents = docs }
}

func TestDocumentsSentAheadAreNotAskedFor(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	a, b, c := docID(1), docID(2), docID(3)
	r := l.do(`host.put("`+charmID+`", host.doc("`+a+`") + host.doc("`+b+`") + host.doc("`+a+`"))`,
		ahead(wire.Document{ID: a, Text: []byte(`{"value":"ü"}`)}, wire.Document{ID: b}, wire.Document{ID: c, Text: []byte(`{}`)}))
	if got := string(r.Changed[0].Text); got != `{"value":"ü"}{"value":"ü"}` {
		t.Error(got)
	}
	if diff := cmp.Diff([]string{a, b, charmID}, r.Read); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]string{{charmID}}, l.asked); diff != "" { // what was changed unseen
		t.Error(diff)
	}
}

func TestLinkedDocumentsAreAskedForTogether(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	link := func(n int) string { return `{"cell":{"/":"` + docID(n) + `"},"path":[]}` }
	l.docs[docID(1)] = `{"value":[` + link(2) + `,` + link(3) + `,{"/":"baedreishort"}],"source":{"/":"` + docID(4) + `"}}`
	l.docs[docID(3)] = `{"value":"three"}`
	body := fmt.Sprintf(`host.doc("%s"); host.doc("%s"); save(host.doc("%s"))`, docID(1), docID(5), docID(3))
	r := l.do(body, ahead(wire.Document{ID: charmID}))
	if diff := cmp.Diff([][]string{{docID(1)}, {docID(5), docID(2), docID(3), docID(4)}}, l.asked); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{docID(1), docID(5), docID(3), charmID}, r.Read); diff != "" {
		t.Error(diff)
	}
}

func TestIdsThatCannotBeAreNobodysDocuments(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.expect(`["","",""]`, `save([host.doc(""), host.doc("\ud800"), host.doc("x".repeat(2000))])`)
	for _, ids := range l.asked {
		if ids[0] != charmID {
			t.Errorf("asked for %q", ids)
		}
	}
	if r := l.do(`host.put("", "{}")`); r.Ended != wire.EndedEarly || r.Reason.Kind != wire.ReasonRuntime {
		t.Errorf("%+v", r)
	}
}

func TestWhatIsChangedUnseenIsAskedForAtTheEnd(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	r := l.do(fmt.Sprintf(`for (let i = 0; i < %d; i++) host.put("doc" + i, "{}"); host.put("doc0", '{"value":2}')`, wire.MaxIDs+2))
	if len(l.asked) != 2 || len(l.asked[0]) != wire.MaxIDs || len(l.asked[1]) != 2 {
		t.Errorf("%d questions", len(l.asked))
	}
	if len(r.Read) != wire.MaxIDs+2 || len(r.Changed) != wire.MaxIDs+2 {
		t.Errorf("%d read, %d changed", len(r.Read), len(r.Changed))
	}
	if got := r.Changed[0]; got.ID != "doc0" || string(got.Text) != `{"value":2}` {
		t.Errorf("%+v", got)
	}
}

// A run that looks at more documents than it may is ended by the worker itself: the
// service would take it for an attack.
func TestARunLooksAtSoManyDocuments(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	if r := l.do(fmt.Sprintf(`for (let i = 0; i < %d; i++) host.put("doc" + i, "{}")`, charm.MaxDocumentsPerRun-10)); r.Ended != wire.Finished {
		t.Errorf("%s, %+v", r.Ended, r.Reason)
	}
	r := l.do(fmt.Sprintf(`for (let i = 0; i < %d; i++) host.put("doc" + i, "{}")`, charm.MaxDocumentsPerRun+10))
	if r.Ended != wire.EndedEarly || r.Reason.Kind != wire.ReasonLimit || r.Changed != nil {
		t.Errorf("%s, %+v, %d changed", r.Ended, r.Reason, len(r.Changed))
	}
}

func TestAnswersThatDoNotCome(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, o Options) {
		l := newLab(t, o)
		l.fault = errors.New("disk on fire")
		for _, body := range []string{
			`try { host.doc("` + docID(1) + `") } catch {} finally { for (;;); }`,
			`save(1)`,
		} {
			if r := l.do(body); r.Ended != wire.EndedEarly || r.Reason.Kind != wire.ReasonHost || r.Reason.Message != "disk on fire" || r.Changed != nil {
				t.Errorf("%s: %+v", body, r)
			}
		}
		l.fault = nil
		l.expect("1", `save(1)`)
		if r := l.m.Run(taskOf("never compiled")); r.Ended != wire.EndedEarly || r.Reason.Kind != wire.ReasonHost {
			t.Errorf("%+v", r)
		}
	})
}

func TestChangesHaveLimits(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{ArenaBytes: 128 << 20})
	deep := charm.MaxDepth + 1
	for body, want := range map[string]string{
		fmt.Sprintf(`host.put("a", '{"value":"' + "x".repeat(%d) + '"}')`, charm.MaxDocumentBytes):                                               "at most 16777216",
		fmt.Sprintf(`host.put("a", '{"value":' + "[".repeat(%d) + "]".repeat(%d) + "}")`, deep, deep):                                            "nested deeper than 512",
		fmt.Sprintf(`const s = '{"value":"' + "x".repeat(%d) + '"}'; for (let i = 0; i < 6; i++) host.put("a" + i, s)`, 15<<20):                  "at most 67108864",
		fmt.Sprintf(`const s = '{"value":"' + "x".repeat(%d) + '"}'; for (let i = 0; i < 6; i++) host.put("a", s); host.put("a", "{}")`, 15<<20): "",
	} {
		r := l.do(body)
		if want == "" {
			if r.Ended != wire.Finished {
				t.Errorf("%.60s: %+v", body, r.Reason)
			}
			continue
		}
		if r.Ended != wire.EndedEarly || r.Reason.Kind != wire.ReasonLimit || !strings.Contains(r.Reason.Message, want) {
			t.Errorf("%.60s: %s %+v", body, r.Ended, r.Reason)
		}
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.expect(`["baedreiejlbo3grw733nk7wp5mzjfqyzpa7hquspn4yt4np6zq3375fpavq","ba4jcbckylwzunx663kx5t7lgkjmgglyhz4fet3pge7dl7wmg677jlyfm","Error"]`,
		`let bad; try { host.refer("{", "link") } catch (e) { bad = e.name } save([host.refer("{}", "link"), host.refer("{}", "string"), bad])`)
}

func TestWebFunctionsThrowWhatBrowsersDo(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	l.expect(`["aGk=","hi","InvalidCharacterError","RangeError","TypeError","é","","https://a.test/c","2"]`, `
		const name = (f) => { try { return f() } catch (e) { return e.name } };
		save([host.btoa("hi"), host.atob("aGk="), name(() => host.atob("a")), name(() => host.utf8(new Uint8Array(1), "klingon", 0)),
			name(() => host.utf8(new Uint8Array([255]), "utf-8", 1)), text(host.encode("é")), host.url("/c"),
			JSON.parse(host.url("/c", "https://a.test/b")).href, JSON.parse(host.urlset("https://a.test/", "hash", "2")).hash.slice(1)])`)
	l.expect(`[[["a","b c"]],"a=b+c","TypeError"]`, `
		const name = (f) => { try { return f() } catch (e) { return e.name } };
		save([JSON.parse(host.query("?a=b+c")), host.querytext('[["a","b c"]]'), name(() => host.querytext("{}"))])`)
	l.expect(`[[{"id":"1","event":"a","data":"b"}],"any"]`, `
		save([JSON.parse(host.events("id: 1\nevent: a\ndata: b\n")), JSON.parse(host.selector("*")).selectors[0][0].tests[0].kind])`)
	l.expect(`[true,false]`, `
		const [a, b] = [host.uuid(), host.uuid()];
		save([/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(a), a === b])`)
	l.expect(`true`, `save(host.xml("<a b='c'>d</a>", "text/xml").includes('["a"'))`)
}
