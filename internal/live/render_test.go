package live

import (
	"strings"
	"testing"

	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/merkle"
)

// shop is documents by short names; @name in their text stands for the id.
type shop map[string]*jsontext.Object

func id(name string) string { return merkle.EntityID(nil, name).Link() }

func (s shop) Document(id string) (*jsontext.Object, error) { return s[id], nil }

var theCharm = charm.Charm{Row: 1, Space: "did:key:zSpace", ID: id("charm")}

func parse(t testing.TB, text string) any {
	t.Helper()
	for at := strings.Index(text, "@"); at >= 0; at = strings.Index(text, "@") {
		end := at + 1
		for end < len(text) && text[end] >= 'a' && text[end] <= 'z' {
			end++
		}
		text = text[:at] + id(text[at+1:end]) + text[end:]
	}
	v, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// stock is the charm's document with the $UI, and others.
func stock(t testing.TB, ui string, others ...string) shop {
	t.Helper()
	s := shop{}
	s[id("charm")], _ = parse(t, `{"value":{"$NAME":"A charm","$UI":`+ui+`}}`).(*jsontext.Object)
	for i := 0; i < len(others); i += 2 {
		s[id(others[i])], _ = parse(t, others[i+1]).(*jsontext.Object)
	}
	return s
}

func link(name, path string) string { return `{"cell":{"/":"@` + name + `"},"path":` + path + `}` }

func alias(name, path string) string {
	return `{"$alias":{"path":` + path + `,"cell":{"/":"@` + name + `"}}}`
}

func vnode(name, props string, kids ...string) string {
	return `{"type":"vnode","name":"` + name + `","props":` + props + `,"children":[` + strings.Join(kids, ",") + `]}`
}

func draw(t testing.TB, docs cell.Documents) page {
	t.Helper()
	p, err := render(t.Context(), docs, theCharm)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// markup writes what is shown as HTML would be written, without ids; a handler as
// on:event, a cell that is bound as $name.
func markup(n *node) string {
	if n.name == "" {
		return n.text
	}
	var b strings.Builder
	b.WriteString("<" + n.name)
	for _, a := range n.attrs {
		b.WriteString(" " + a.name + "=" + jsontext.Text(a.value))
	}
	for _, h := range n.on {
		b.WriteString(" on:" + h.event)
	}
	for _, c := range n.bound {
		b.WriteString(" $" + c.name + "=" + jsontext.Text(c.value))
	}
	b.WriteString(">")
	for _, kid := range n.kids {
		b.WriteString(markup(kid))
	}
	if n.name == fragment && n.id == idOf("", "", theCharm.ID) {
		return strings.TrimPrefix(b.String(), "<"+fragment+">")
	}
	return b.String() + "</" + n.name + ">"
}

func TestRender(t *testing.T) {
	t.Parallel()
	process := `{"value":{"internal":{"n":3,"text":"hi","stream":{"$stream":true},"yes":true,"rows":[` + link("rowa", "[]") + `,` + link("rowb", "[]") + `],
		"auth":{"token":"secret","refreshToken":"secret","user":{"name":"Ada","email":"ada@"}},"style":{"color":"red","fontSize":12,"backgroundImage":"url(x)"}}}}`
	rowA, rowB := `{"value":`+vnode("li", "{}", `"a"`)+`}`, `{"value":`+vnode("li", "{}", alias("process", `["internal","n"]`))+`}`
	in := func(path string) string { return alias("process", `["internal","`+path+`"]`) }
	for name, c := range map[string]struct{ ui, want string }{
		"texts and numbers":         {vnode("p", "{}", `"n is "`, in("n"), `" "`, `true`, `{}`, `null`), "<p>n is 3 true</p>"},
		"rows by links":             {vnode("ul", "{}", in("rows")), "<ul><li>a</li><li>3</li></ul>"},
		"children behind an alias":  {`{"type":"vnode","name":"ul","props":{},"children":` + in("rows") + `}`, "<ul><li>a</li><li>3</li></ul>"},
		"a handler":                 {vnode("button", `{"onClick":`+in("stream")+`,"onkeydown":`+in("stream")+`}`, `"go"`), "<button on:click on:keydown>go</button>"},
		"handlers of no stream":     {vnode("button", `{"onClick":"alert(1)","onclick":`+in("n")+`}`), "<button></button>"},
		"a bound cell":              {vnode("common-input", `{"$value":`+in("text")+`,"$other":`+in("text")+`,"$name":"x"}`), `<common-input $value="hi"></common-input>`},
		"state is told to nobody":   {vnode("common-updater", `{"$state":`+in("auth")+`,"integration":"rss"}`), `<common-updater integration="rss"></common-updater>`},
		"attributes by properties":  {vnode("label", `{"className":"a","htmlFor":"x","hidden":`+in("yes")+`,"aria-label":"l","data-x":1,"data-live":""}`), `<label class="a" for="charm-x" hidden=true aria-label="l" data-charm-x=1 data-charm-live=""></label>`},
		"a style object":            {vnode("p", `{"style":`+in("style")+`}`), `<p style="color: red; font-size: 12px"></p>`},
		"a fragment":                {vnode("Fragment", "{}", `"x"`), "<charm-fragment>x</charm-fragment>"},
		"an unknown element":        {vnode("x-strange", `{"level":3,"title":"t"}`, `"x"`), `<charm-box title="t">x</charm-box>`},
		"a script":                  {vnode("div", "{}", vnode("script", "{}", `"x"`), `"y"`), "<div>y</div>"},
		"a charm in a charm":        {vnode("div", "{}", link("inner", "[]")), "<div><b>inner</b></div>"},
		"an object that is no node": {vnode("div", "{}", `{"a":1}`), `<div>{"a":1}</div>`},
		"props that are none":       {`{"type":"vnode","name":"p","props":3,"children":"x"}`, "<p></p>"},
		"a table's data":            {vnode("common-table", `{"data":`+in("rows")+`,"label":["x"]}`), `<common-table data=[{"type":"vnode","name":"li","props":{},"children":["a"]},{"type":"vnode","name":"li","props":{},"children":[3]}]></common-table>`},
		"nothing":                   {`3.5`, "3.5"},
		"a link to nothing":         {link("nowhere", "[]"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			docs := stock(t, c.ui, "process", process, "rowa", rowA, "rowb", rowB, "inner", `{"value":{"$NAME":"x","$UI":`+vnode("b", "{}", `"inner"`)+`}}`)
			if got := markup(draw(t, docs).root); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	docs := stock(t, vnode("common-google-oauth", `{"$auth":`+in("auth")+`}`), "process", strings.Replace(process, "ada@", "ada", 1))
	got := markup(draw(t, docs).root)
	if strings.Contains(got, "secret") || !strings.Contains(got, `"connected":true,"name":"Ada","email":"ada"`) || !strings.Contains(got, `"space":"did:key:zSpace"`) {
		t.Errorf("of an account is told %s", got)
	}
}

// Links that lead back, wide ones and deep ones end, and say so where it shows.
func TestRenderEnds(t *testing.T) {
	t.Parallel()
	for name, docs := range map[string]shop{
		"itself":    stock(t, vnode("div", "{}", link("charm", `["$UI"]`), link("charm", `["$UI"]`))),
		"two":       stock(t, link("a", "[]"), "a", `{"value":`+link("b", "[]")+`}`, "b", `{"value":`+link("a", "[]")+`}`),
		"a list":    stock(t, link("a", "[]"), "a", `{"value":[`+strings.Repeat(link("a", "[]")+",", 50)+`1]}`),
		"deep":      stock(t, strings.Repeat(`{"type":"vnode","name":"div","props":{},"children":[`, 150)+`"x"`+strings.Repeat("]}", 150)),
		"large":     stock(t, vnode("p", "{}", `"`+strings.Repeat("x", mostText)+`"`, `"y"`)),
		"own name":  stock(t, vnode("p", `{"title":`+alias("charm", `["$UI","props","title"]`)+`}`)),
		"two names": stock(t, `{"$UI":`+link("charm", "[]")+`}`),
	} {
		p := draw(t, docs)
		n, depth := measure(p.root, 1)
		if n > mostNodes+1 || depth > deepest+2 {
			t.Errorf("%s: %d nodes, %d deep", name, n, depth)
		}
		if part := name == "itself" || name == "a list" || name == "deep" || name == "large"; p.cut != part {
			t.Errorf("%s: cut is %v", name, p.cut)
		}
	}
}

func measure(n *node, level int) (count, depth int) {
	count, depth = 1, level
	for _, kid := range n.kids {
		c, d := measure(kid, level+1)
		count, depth = count+c, max(depth, d)
	}
	return count, depth
}

// A row that is put in front leaves the others what they are.
func TestNodesKeepTheirNames(t *testing.T) {
	t.Parallel()
	rows := func(list ...string) shop {
		docs := stock(t, vnode("ul", "{}", link("list", "[]")))
		var links []string
		for _, name := range list {
			docs[id(name)], _ = parse(t, `{"value":`+vnode("li", "{}", `"`+name+`"`)+`}`).(*jsontext.Object)
			links = append(links, link(name, "[]"))
		}
		docs[id("list")], _ = parse(t, `{"value":[`+strings.Join(links, ",")+`]}`).(*jsontext.Object)
		return docs
	}
	before := draw(t, rows("a", "b", "c")).root
	after := share(before, draw(t, rows("n", "a", "c", "b", "a")).root)
	kids := after.kids[0].kids
	if kids[1] != before.kids[0].kids[0] || kids[2] != before.kids[0].kids[2] || kids[3] != before.kids[0].kids[1] {
		t.Error("rows that were there are not the same")
	}
	if kids[4].id == kids[1].id {
		t.Error("a row that is there twice has one name")
	}
	if share(before, draw(t, rows("a", "b", "c")).root) != before {
		t.Error("a page that did not change is another one")
	}
	got := jsontext.Text(diff(before, after))
	if want := `[["k","` + after.kids[0].id + `",0,3,[` + jsontext.Text(kids[0].json()) + `,"` + kids[1].id + `","` + kids[2].id + `","` + kids[3].id + `",` + jsontext.Text(kids[4].json()) + `]]]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
