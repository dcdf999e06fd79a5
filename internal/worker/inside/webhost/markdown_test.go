package webhost

import (
	"strings"
	"testing"
)

func TestMarkdown(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, html, options, want string }{
		{"nothing", "", `{}`, ""},
		{"paragraphs", "<p>one</p>\n\n<p>two  words</p> three", `{}`, "one\n\ntwo words\n\nthree"},
		{"headings", "<h1>Ä b</h1><h2>c</h2><h3>d</h3>", `{}`, "Ä b\n===\n\nc\n-\n\n### d"},
		{"headings of one line", "<h1>a</h1>b", `{"headingStyle":"atx"}`, "# a\n\nb"},
		{"quotes", "<blockquote><p>a</p><p>b</p></blockquote>", `{}`, "> a\n> \n> b"},
		{"lists", "<ol start=3><li>a<li>b<ul><li>c</ul></ol>", `{}`, "3.  a\n4.  b\n    *   c"},
		{"items with paragraphs", "<ul><li><p>a</p></li><li>b</li></ul>", `{"bulletListMarker":"-"}`, "-   a\n    \n-   b"},
		{"code", "<pre><code class='language-go x'>a  b\n c\n</code></pre>", `{"codeBlockStyle":"fenced"}`, "```go\na  b\n c\n```"},
		{"indented code", "<pre><code>a\nb</code></pre>", `{}`, "    a\n    b"},
		{"spans of code", "x <code>a*b</code> <code>`c</code>", `{}`, "x `a*b` `` `c ``"},
		{"emphasis", "<b> bold </b><i>it</i><em> </em>x", `{"emDelimiter":"*","strongDelimiter":"__"}`, "__bold__ *it* x"},
		{"links", `<a href="u" title='t"'>x</a> <a name=y>z</a><img src=i alt="a&#10;&#10;b"><img>`, `{}`, "[x](u \"t\\\"\") z![a\nb](i)"},
		{"lines", "a<br>b<hr>c", `{"br":"\\","hr":"---"}`, "a\\\nb\n\n---\n\nc"},
		{"signs", "<p>1. a_b [c] *d*</p><p># e</p><p>- f</p><p>+g + h</p><p>\\ ` ></p>", `{}`,
			"1\\. a\\_b \\[c\\] \\*d\\*\n\n\\# e\n\n\\- f\n\n+g + h\n\n\\\\ \\` >"},
		{"tables", "<table><tr><td>a</td><td>b</td></tr></table>", `{}`, "a\n\nb"},
		{"hidden", "<!-- c --><div> </div><span></span>x<script>s()</script>", `{}`, "xs()"},
		{"marks", "a\x01<style>b</style>", `{"filters":[["p"],["style"]]}`, "a\x01{\"attributes\":{},\"name\":\"STYLE\",\"rule\":1}\x02b\x03"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := Markdown(tt.html, tt.options); err != nil || got != tt.want {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestMarkdownHasLimits(t *testing.T) {
	t.Parallel()
	for name, html := range map[string]string{
		"large": strings.Repeat("x", maxHTMLBytes+1),
		"deep":  strings.Repeat("<div>", 100_000),
	} {
		if got, err := Markdown(html, `{}`); err == nil {
			t.Errorf("%s: %d bytes of Markdown", name, len(got))
		}
	}
	if _, err := Markdown("", `{"hr":1}`); err == nil {
		t.Error("a number is no style")
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add("<ul><li>a<li><pre><code>b</ul>", `{"filters":[["li"]]}`)
	f.Add("<b> x </b> <i> </i>", `{"codeBlockStyle":"fenced","fence":""}`)
	f.Fuzz(func(t *testing.T, html, options string) {
		text, err := Markdown(html, options)
		if err == nil && strings.Count(text, markBegin) != strings.Count(text, markEnd) {
			t.Errorf("marks without end in %q", text)
		}
	})
}
