package webhost

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, text, mime string) string {
	t.Helper()
	got, err := XML(text, mime)
	if err != nil {
		t.Fatalf("%.80q: %v", text, err)
	}
	if !json.Valid([]byte(got)) {
		t.Fatalf("%.80q: not JSON: %.200s", text, got)
	}
	return got
}

func TestXMLTree(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ what, text, want string }{
		{"empty element", `<a/>`, `["a",[],[]]`},
		{"empty element, long", "<a \n></a\t>", `["a",[],[]]`},
		{"attributes", `<a b="1" c='"2"' d = "">x</a>`, `["a",[["b","1"],["c","\"2\""],["d",""]],["x"]]`},
		{"prefixes", `<r:a xmlns:r="u"><media:content m:w="1"/></r:a>`, `["r:a",[["xmlns:r","u"]],[["media:content",[["m:w","1"]],[]]]]`},
		{"children in order", `<a>x<b/>y<c>z</c></a>`, `["a",[],["x",["b",[],[]],"y",["c",[],["z"]]]]`},
		{"declaration", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a>é</a>\n", `["a",[],["é"]]`},
		{"byte order mark and blanks before the declaration", "\uFEFF\n <?xml version='1.0'?><a/>", `["a",[],[]]`},
		{"processing instructions", `<?p x?><a>1<?php echo "<b>" ?>2</a><?q?>`, `["a",[],["1","2"]]`},
		{"comments", `<!-- x --><a><!--y "z"--></a><!-- z -->`, `["a",[],[{"c":"y \"z\""}]]`},
		{"CDATA", `<a>1<![CDATA[<b>&amp;]]]]>2</a>`, `["a",[],["1","<b>&amp;]]","2"]]`},
		{"empty CDATA", `<a><![CDATA[]]></a>`, `["a",[],[]]`},
		{"five entities", `<a b="&lt;&quot;">&lt;&gt;&amp;&apos;&quot;</a>`, `["a",[["b","<\""]],["<>&'\""]]`},
		{"numbers", `<a>&#233;&#xE9;&#x1F600;&#10;&#x9;</a>`, `["a",[],["éé😀\n\u0009"]]`},
		{"entities of HTML", `<a b="&eacute;">&nbsp;&mdash;&hellip;&semi;&nsubE;</a>`, `["a",[["b","é"]],["` + "\u00a0—…;⫅̸" + `"]]`},
		{"entity twice escaped", `<a>&amp;lt;b&amp;gt;</a>`, `["a",[],["&lt;b&gt;"]]`},
		{"line ends", "<a>1\r\n2\r3\n4\r</a>", `["a",[],["1\n2\n3\n4\n"]]`},
		{"blanks in attributes", "<a b='1\r\n2\t3\n4\r5&#10;6'/>", `["a",[["b","1 2 3 4 5\n6"]],[]]`},
		{"line ends in CDATA and comment", "<a><![CDATA[1\r\n2]]><!--1\r2--></a>", `["a",[],["1\n2",{"c":"1\n2"}]]`},
		{"only blanks", "<a>\n  <b/>\n</a>", `["a",[],["\n  ",["b",[],[]],"\n"]]`},
		{"document type", `<!DOCTYPE rss PUBLIC "-//x>" "http://y" [<!ENTITY a "]>"><!-- ' ]> --><?p ]> ?>]><a/>`, `["a",[],[]]`},
		{"HTML document type", `<!DOCTYPE html><html/>`, `["html",[],[]]`},
		{"names of letters", `<übung-1.x·y/>`, `["übung-1.x·y",[],[]]`},
		{"characters for JSON", "<a>\"\\/\t\u2028\x7f</a>", "[\"a\",[],[\"\\\"\\\\/\\u0009\u2028\x7f\"]]"},
		{"lone surrogates", "<a b='\xed\xa0\x80'>x\xed\xbf\xbf</a>", `["a",[["b","\ud800"]],["x\udfff"]]`},
		{"bytes that are not UTF-8", "<a>\xff\xc3</a>", "[\"a\",[],[\"\uFFFD\uFFFD\"]]"},
		{"nine attributes", `<a a1="" a2="" a3="" a4="" a5="" a6="" a7="" a8="" a9=""/>`, `["a",[["a1",""],["a2",""],["a3",""],["a4",""],["a5",""],["a6",""],["a7",""],["a8",""],["a9",""]],[]]`},
		{"greater sign in an attribute and in text", `<a b=">">></a>`, `["a",[["b",">"]],[">"]]`},
	} {
		t.Run(test.what, func(t *testing.T) {
			for _, mime := range []string{"text/xml", "application/xml", "image/svg+xml", "application/xhtml+xml"} {
				if got, want := parse(t, test.text, mime), `{"root":`+test.want+`}`; got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
		})
	}
}

func TestXMLErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "Document is empty at 1:1",
		" \n\t":                        "Document is empty at 2:2",
		"hello":                        "Start tag expected, '<' not found at 1:1",
		"{\"not\":\"xml\"}":            "Start tag expected, '<' not found at 1:1",
		"<a>":                          "Premature end of data in tag a at 1:4",
		"<a>\n<b>é</a>":                "Opening and ending tag mismatch: b line 2 and a at 2:5",
		"<a></a></b>":                  "Extra content at the end of the document at 1:8",
		"<a/><b/>":                     "Extra content at the end of the document at 1:5",
		"<a/>text":                     "Extra content at the end of the document at 1:5",
		"<a/>&amp;":                    "Extra content at the end of the document at 1:5",
		"<a/><!DOCTYPE a>":             "Extra content at the end of the document at 1:5",
		"<!DOCTYPE a><!DOCTYPE a><a/>": "StartTag: invalid element name at 1:14",
		"</a>":                         "StartTag: invalid element name at 1:2",
		"<a><1/></a>":                  "StartTag: invalid element name at 1:5",
		"<a>1 < 2</a>":                 "StartTag: invalid element name at 1:7",
		"<a b>":                        "Specification mandates value for attribute b at 1:5",
		"<a b=1>":                      "AttValue: \" or ' expected at 1:6",
		"<a b='1>":                     "AttValue: ' expected at 1:6",
		"<a b='<'/>":                   "Unescaped '<' not allowed in attributes values at 1:7",
		"<a b='1'c='2'/>":              "attributes construct error in a at 1:9",
		"<a b='1' b='2'/>":             "Attribute b redefined at 1:10",
		"<a c1='' c2='' c3='' c4='' c5='' c6='' c7='' c8='' c9='' c2=''/>": "Attribute c2 redefined at 1:58",
		"<a c1='' c2='' c3='' c4='' c5='' c6='' c7='' c8='' c9='' c9=''/>": "Attribute c9 redefined at 1:58",
		"<a =''/>":                       "attributes construct error in a at 1:4",
		"<a / >":                         "Couldn't find end of Start Tag a at 1:4",
		"<a":                             "Couldn't find end of Start Tag a at 1:3",
		"<a></a x>":                      "expected '>' at 1:8",
		"<a>&nosuch;</a>":                "Entity 'nosuch' not defined at 1:4",
		"<a>&notit;</a>":                 "Entity 'notit' not defined at 1:4",
		"<a>1 & 2</a>":                   "EntityRef: name and ';' expected after '&' at 1:6",
		"<a>&amp</a>":                    "EntityRef: name and ';' expected after '&' at 1:4",
		"<a b='?x=1&y=2'/>":              "EntityRef: name and ';' expected after '&' at 1:11",
		"<a>&</a>":                       "EntityRef: name and ';' expected after '&' at 1:4",
		"<a>&" + strings.Repeat("x", 50): "EntityRef: name and ';' expected after '&' at 1:4",
		"<a>&#0;</a>":                    "Invalid character reference at 1:4",
		"<a>&#xD800;</a>":                "Invalid character reference at 1:4",
		"<a>&#x110000;</a>":              "Invalid character reference at 1:4",
		"<a>&#99999999999999;</a>":       "Invalid character reference at 1:4",
		"<a>&#xFFFF;</a>":                "Invalid character reference at 1:4",
		"<a>&#;</a>":                     "Invalid character reference at 1:4",
		"<a>&#-1;</a>":                   "Invalid character reference at 1:4",
		"<a>&#65</a>":                    "Invalid character reference at 1:4",
		"<a>\x00</a>":                    "PCDATA invalid Char value 0 at 1:4",
		"<a>é\x1b</a>":                   "PCDATA invalid Char value 27 at 1:5",
		"<a>\ufffe</a>":                  "PCDATA invalid Char value 65534 at 1:4",
		"<a b='\x01'/>":                  "PCDATA invalid Char value 1 at 1:7",
		"<a><![CDATA[\x08]]></a>":        "PCDATA invalid Char value 8 at 1:13",
		"<a><!--\x08--></a>":             "PCDATA invalid Char value 8 at 1:8",
		"<a>x]]>y</a>":                   "Sequence ']]>' not allowed in content at 1:5",
		"<a><![CDATA[x]]</a>":            "CData section not finished at 1:4",
		"<a><!-- x -- y --></a>":         "Double hyphen within comment at 1:11",
		"<a><!-- x":                      "Comment not terminated at 1:4",
		"<?xml version='1.0'":            "Processing instruction not terminated at 1:1",
		"<!DOCTYPE a [":                  "DOCTYPE improperly terminated at 1:1",
		"<!DOCTYPE a 'x":                 "DOCTYPE improperly terminated at 1:1",
		"<![CDATA[x]]>":                  "StartTag: invalid element name at 1:2",
		"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>": "Entity 'e' not defined at 1:34",
	} {
		want, _ := json.Marshal(want)
		if got := parse(t, text, "text/xml"); !sameJSON(got, fmt.Sprintf(`{"error":%s}`, want)) {
			t.Errorf("%.60q: %s, want %s", text, got, want)
		}
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}

func TestXMLTypes(t *testing.T) {
	t.Parallel()
	for _, mime := range []string{"", "text/plain", "TEXT/XML", "text/xml; charset=utf-8", strings.Repeat("x", 1000)} {
		_, err := XML("<a/>", mime)
		wantException(t, err, "TypeError")
	}
}

// TestFault05_NestedMarkup: depth and size end in an exception at once.
func TestFault05_NestedMarkup(t *testing.T) {
	t.Parallel()
	for _, mime := range []string{"text/xml", "text/html"} {
		for _, text := range []string{
			strings.Repeat("<a>", 400<<10/3),
			strings.Repeat("<a>", 200<<10/7) + strings.Repeat("</a>", 200<<10/7),
			strings.Repeat("<b><div>", 400<<10/8),
			strings.Repeat("<table><td>", 400<<10/11),
			strings.Repeat("<a b='", 400<<10/6),
			strings.Repeat("<", 400<<10),
			strings.Repeat("<!DOCTYPE a [", 400<<10/13),
			strings.Repeat("&amp;", 400<<10/5),
			"<a " + strings.Repeat("b='' ", 400<<10/5),
		} {
			start := time.Now()
			_, err := XML(text, mime)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%s %.20q…: %s", mime, text, took)
			}
			if err != nil {
				wantException(t, err, "Error")
			}
		}
	}
	deep := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	if _, err := XML(deep(512), "text/xml"); err != nil {
		t.Errorf("512 levels: %v", err)
	}
	_, err := XML(deep(513), "text/xml")
	wantException(t, err, "Error")
}

func TestXMLSize(t *testing.T) {
	for what, text := range map[string]string{
		"elements":   "<a>" + strings.Repeat("<b/>", maxMarkupNodes) + "</a>",
		"comments":   "<a>" + strings.Repeat("<!---->", maxMarkupNodes) + "</a>",
		"attributes": "<a" + manyAttributes(maxMarkupNodes) + "/>",
	} {
		if len(text) > maxMarkupBytes {
			t.Fatalf("%s: the text itself is too large", what)
		}
		_, err := XML(text, "text/xml")
		wantException(t, err, "Error")
	}
	_, err := XML("<a>"+strings.Repeat(" ", maxMarkupBytes)+"</a>", "text/xml")
	wantException(t, err, "RangeError")
	_, err = XML(strings.Repeat(" ", maxHTMLBytes+1), "text/html")
	wantException(t, err, "RangeError")
	fits := "<a>" + strings.Repeat("<b/>", maxMarkupNodes-1) + "</a>"
	if _, err := XML(fits, "text/xml"); err != nil {
		t.Errorf("%d nodes: %v", maxMarkupNodes, err)
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%x=''", i)
	}
	return b.String()
}

// A billion laughs stay one entity that is not defined.
func TestXMLBillionLaughs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`<!DOCTYPE lolz [<!ENTITY lol0 "lol">`)
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, `<!ENTITY lol%d "%s">`, i, strings.Repeat(fmt.Sprintf("&lol%d;", i-1), 10))
	}
	b.WriteString(`<!ENTITY file SYSTEM "file:///etc/passwd">]><a>&lol9;</a>`)
	if got := parse(t, b.String(), "text/xml"); !strings.HasPrefix(got, `{"error":"Entity 'lol9' not defined at 1:`) {
		t.Errorf("%.200s", got)
	}
}

func TestHTML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                       `["html",[],[["head",[],[]],["body",[],[]]]]`,
		"<P Class=x>a&nbsp<br>b": `["html",[],[["head",[],[]],["body",[],[["p",[["class","x"]],["a` + "\u00a0" + `",["br",[],[]],"b"]]]]]]`,
		"<!doctype html><!--x--><title>1 < 2</title><script>a<b</script>": `["html",[],[["head",[],[["title",[],["1 < 2"]],["script",[],["a<b"]]]],["body",[],[]]]]`,
		"<svg xlink:href=a><!--y--></svg>":                                `["html",[],[["head",[],[]],["body",[],[["svg",[["xlink:href","a"]],[{"c":"y"}]]]]]]`,
	} {
		if got := parse(t, text, "text/html"); got != `{"root":`+want+`}` {
			t.Errorf("%q\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// Each paragraph copies the formatting elements that were never closed.
// It runs alone: what else is allocated would count.
func TestFault05_HTMLThatMultiplies(t *testing.T) {
	var b strings.Builder
	b.WriteString("<p>")
	for i := range 400 {
		fmt.Fprintf(&b, "<b id=%d>", i)
	}
	b.WriteString("</p>")
	b.WriteString(strings.Repeat("<p>x</p>", 100_000))
	_, err := XML(b.String(), "text/html")
	wantException(t, err, "Error")

	page := "<p>" + strings.Repeat("<a href='/x'>some words</a> <b>of text</b><br>", maxHTMLBytes/50)
	if _, err := XML(page, "text/html"); err != nil {
		t.Errorf("an ordinary page of %d bytes: %v", len(page), err)
	}
}

// feed is an RSS document of about n bytes, as the runs of a feed reader see it.
func feed(n int) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>News</title>`)
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, `
  <item>
    <title>Item %d: a &amp; b &#8212; caf&eacute;</title>
    <link>https://example.com/news/%d?utm_source=rss&amp;utm_medium=feed</link>
    <guid isPermaLink="false">tag:example.com,%d</guid>
    <pubDate>Tue, 18 Mar 2025 10:00:00 GMT</pubDate>
    <media:content url="https://example.com/%d.jpg" medium="image" width="640"/>
    <description><![CDATA[<p>%s</p>]]></description>
  </item>`, i, i, i, i, strings.Repeat("Some words of text, é and so on. ", 15))
	}
	b.WriteString("</channel></rss>")
	return b.String()
}

func BenchmarkXML(b *testing.B) {
	text := feed(200 << 10)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := XML(text, "text/xml"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkURL(b *testing.B) {
	for b.Loop() {
		URL("/news/1?utm_source=rss#top", "https://example.com/feed/index.xml", true)
	}
}

func FuzzXML(f *testing.F) {
	for _, text := range []string{
		feed(1000), `<a b="1"><!--x--><![CDATA[y]]>&lt;&#65;&nbsp;</a>`, "<!DOCTYPE a [<!ENTITY x 'y'>]><a>\r\n</a>",
		"<a b='\xed\xa0\x80'/>", "<?p?><a:b xmlns:a=''/>", "<table><b><td>", "<a>&#x;", "<svg><template>",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, mime := range []string{"text/xml", "text/html"} {
			got, err := XML(text, mime)
			if err != nil {
				continue
			}
			var tree struct {
				Root  any
				Error string
			}
			if err := json.Unmarshal([]byte(got), &tree); err != nil {
				t.Fatalf("%s: %v: %s", mime, err, got)
			}
			if (tree.Root == nil) == (tree.Error == "") {
				t.Errorf("%s: %s", mime, got)
			}
			if mime == "text/xml" && tree.Error == "" {
				agreesWithEncodingXML(t, text, tree.Root)
			}
		}
	})
}

// agreesWithEncodingXML compares names and text with the standard library's
// reading, where that accepts the document too: it is more and less strict in
// places, but what both accept must mean the same.
func agreesWithEncodingXML(t *testing.T, text string, root any) {
	d := xml.NewDecoder(strings.NewReader(strings.TrimLeft(strings.TrimPrefix(text, "\uFEFF"), " \t\r\n")))
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var theirs strings.Builder
	depth := 0
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			fmt.Fprintf(&theirs, "<%s %d>", rawName(token.Name), len(token.Attr))
		case xml.EndElement:
			depth--
			theirs.WriteString("</>")
		case xml.CharData:
			if depth > 0 {
				theirs.Write(token)
			}
		}
	}
	var ours strings.Builder
	flatten(&ours, root)
	if ours.String() != theirs.String() {
		t.Errorf("read as %q, elsewhere as %q", ours.String(), theirs.String())
	}
}

func rawName(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

func flatten(b *strings.Builder, node any) {
	switch node := node.(type) {
	case string:
		b.WriteString(node)
	case []any:
		fmt.Fprintf(b, "<%s %d>", node[0], len(node[1].([]any)))
		for _, child := range node[2].([]any) {
			flatten(b, child)
		}
		b.WriteString("</>")
	}
}
