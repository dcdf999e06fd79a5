package webhost

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The marks around what a rule of the recipe is to replace: what it is as JSON,
// then its content. Text has none of them.
const markBegin, markContent, markEnd = "\x01", "\x02", "\x03"

// styles are the options of turndown, under its names.
type styles struct {
	HeadingStyle, HR, BulletListMarker, CodeBlockStyle, Fence, EmDelimiter, StrongDelimiter, BR string

	Filters [][]string // for each rule of the recipe the elements that it is for
}

// Markdown is HTML in Markdown, as turndown writes it. options is JSON of the
// styles; elements that a filter is for come back between marks.
func Markdown(text, options string) (string, error) {
	m := &markdown{styles{
		HeadingStyle: "setext", HR: "* * *", BulletListMarker: "*", CodeBlockStyle: "indented", Fence: "```",
		EmDelimiter: "_", StrongDelimiter: "**", BR: "  ",
	}}
	if err := json.Unmarshal([]byte(options), &m.styles); err != nil {
		return "", &Exception{"TypeError", "The options of turndown must be texts."}
	}
	if len(text) > maxHTMLBytes {
		return "", tooLarge("document")
	}
	root := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := html.ParseFragment(&frugalReader{text: scalarValues(text), start: heapBytes()}, root)
	if errors.Is(err, errHeap) {
		return "", &Exception{"Error", "The document takes too much memory."}
	}
	if err != nil {
		return "", &Exception{"Error", "The document is nested too deeply."}
	}
	for _, n := range nodes {
		root.AppendChild(n)
	}
	collapseSpace(root)
	out := m.content(root)
	return strings.TrimRight(strings.TrimLeft(out, "\t\r\n"), "\t\r\n "), nil
}

type markdown struct{ styles }

// content is what is in a node, the parts joined with the more of the line breaks
// that either wants between them, two at most.
func (m *markdown) content(n *html.Node) string {
	var out strings.Builder
	breaks := 0 // at the end of what was written
	for child := range n.ChildNodes() {
		var part string
		switch {
		case child.Type == html.TextNode && inCode(child):
			part = unmarked.Replace(child.Data)
		case child.Type == html.TextNode:
			part = escapeMarkdown(unmarked.Replace(child.Data))
		case child.Type == html.ElementNode:
			part = m.element(child)
		}
		body := strings.TrimLeft(part, "\n")
		breaks = min(2, max(breaks, len(part)-len(body)))
		if body == "" {
			continue
		}
		out.WriteString(strings.Repeat("\n", breaks))
		trimmed := strings.TrimRight(body, "\n")
		out.WriteString(trimmed)
		breaks = min(2, len(body)-len(trimmed))
	}
	return out.String() + strings.Repeat("\n", breaks)
}

var unmarked = strings.NewReplacer(markBegin, "", markContent, "", markEnd, "")

// element is an element in Markdown, with the space at its edges outside of it.
func (m *markdown) element(n *html.Node) string {
	block := isBlock(n)
	if saysNothing(n) {
		if block {
			return "\n\n"
		}
		before, after := edgeSpace(n)
		return before + after
	}
	content := m.content(n)
	if block {
		return m.rule(n, content)
	}
	before, after := edgeSpace(n)
	if before+after != "" {
		content = strings.TrimSpace(content)
	}
	return before + m.rule(n, content) + after
}

func (m *markdown) rule(n *html.Node, content string) string {
	for i, names := range m.Filters {
		if slices.Contains(names, n.Data) {
			return marked(n, i, content)
		}
	}
	switch n.DataAtom {
	case atom.P:
		return "\n\n" + content + "\n\n"
	case atom.Br:
		return m.BR + "\n"
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return m.heading(int(n.Data[1]-'0'), content)
	case atom.Blockquote:
		return "\n\n> " + strings.ReplaceAll(strings.Trim(content, "\n"), "\n", "\n> ") + "\n\n"
	case atom.Ul, atom.Ol:
		if n.Parent.DataAtom == atom.Li && lastElement(n.Parent) == n {
			return "\n" + content
		}
		return "\n\n" + content + "\n\n"
	case atom.Li:
		return m.listItem(n, content)
	case atom.Pre:
		if n.FirstChild != nil && n.FirstChild.DataAtom == atom.Code {
			return m.codeBlock(n.FirstChild)
		}
	case atom.Hr:
		return "\n\n" + m.HR + "\n\n"
	case atom.A:
		if href, ok := attribute(n, "href"); ok {
			return "[" + content + "](" + parentheses.Replace(href) + title(n) + ")"
		}
	case atom.Em, atom.I:
		return m.delimited(m.EmDelimiter, content)
	case atom.Strong, atom.B:
		return m.delimited(m.StrongDelimiter, content)
	case atom.Code:
		return codeSpan(content)
	case atom.Img:
		src, _ := attribute(n, "src")
		alt, _ := attribute(n, "alt")
		if src == "" {
			return ""
		}
		return "![" + oneBreak(alt) + "](" + src + title(n) + ")"
	}
	if isBlock(n) {
		return "\n\n" + content + "\n\n"
	}
	return content
}

func (m *markdown) heading(level int, content string) string {
	if m.HeadingStyle != "setext" || level > 2 {
		return "\n\n" + strings.Repeat("#", level) + " " + content + "\n\n"
	}
	line := strings.Repeat(map[int]string{1: "=", 2: "-"}[level], utf16Length(content))
	return "\n\n" + content + "\n" + line + "\n\n"
}

func (m *markdown) listItem(n *html.Node, content string) string {
	prefix := m.BulletListMarker + "   "
	if n.Parent.DataAtom == atom.Ol {
		prefix = numberOf(n) + ".  "
	}
	content = strings.TrimLeft(content, "\n")
	if body := strings.TrimRight(content, "\n"); body != content {
		content = body + "\n"
	}
	content = prefix + strings.ReplaceAll(content, "\n", "\n    ")
	if n.NextSibling != nil && !strings.HasSuffix(content, "\n") {
		content += "\n"
	}
	return content
}

func (m *markdown) codeBlock(code *html.Node) string {
	text := textOf(code)
	if m.CodeBlockStyle != "fenced" {
		return "\n\n    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n\n"
	}
	class, _ := attribute(code, "class")
	_, language, _ := strings.Cut(class, "language-")
	language, _, _ = strings.Cut(language, " ")
	fence := cmp.Or(m.Fence, "```")
	for sign := fence[:1]; strings.Contains("\n"+text, "\n"+fence); {
		fence += sign
	}
	return "\n\n" + fence + language + "\n" + strings.TrimSuffix(text, "\n") + "\n" + fence + "\n\n"
}

func (m *markdown) delimited(delimiter, content string) string {
	if strings.TrimSpace(content) == "" {
		return ""
	}
	return delimiter + content + delimiter
}

// marked is what a rule of the recipe is to replace.
func marked(n *html.Node, rule int, content string) string {
	attributes := map[string]string{}
	for _, a := range n.Attr {
		attributes[a.Key] = a.Val
	}
	about, _ := json.Marshal(map[string]any{"rule": rule, "name": strings.ToUpper(n.Data), "attributes": attributes}) // texts always marshal
	return markBegin + string(about) + markContent + content + markEnd
}
