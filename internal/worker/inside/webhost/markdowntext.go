package webhost

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const blocks = " address article aside audio blockquote body canvas center dd dir div dl dt fieldset figcaption figure " +
	"footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html isindex li main menu nav noframes noscript ol output " +
	"p pre section table tbody td tfoot th thead tr ul "

// voids are the elements without content, full the ones that say something
// although there is no text in them.
const (
	voids = " area base br col command embed hr img input keygen link meta param source track wbr "
	full  = " a table thead tbody tfoot th td iframe script audio video "
)

func isBlock(n *html.Node) bool { return isOneOf(n, blocks) }

func isOneOf(n *html.Node, names string) bool {
	return n.Type == html.ElementNode && strings.Contains(names, " "+n.Data+" ")
}

// saysNothing reports whether nothing would be seen of an element.
func saysNothing(n *html.Node) bool {
	if isOneOf(n, voids) || isOneOf(n, full) || strings.TrimSpace(textOf(n)) != "" {
		return false
	}
	for below := range n.Descendants() {
		if isOneOf(below, voids) || isOneOf(below, full) {
			return false
		}
	}
	return true
}

func textOf(n *html.Node) string {
	var text strings.Builder
	for below := range n.Descendants() {
		if below.Type == html.TextNode {
			text.WriteString(below.Data)
		}
	}
	return text.String()
}

func inCode(n *html.Node) bool {
	for up := range n.Ancestors() {
		if up.DataAtom == atom.Code {
			return true
		}
	}
	return false
}

const space = " \t\r\n"

// edgeSpace is the space at the beginning and at the end of an inline element
// that its neighbours do not have already.
func edgeSpace(n *html.Node) (before, after string) {
	text := textOf(n)
	before = text[:len(text)-len(strings.TrimLeft(text, space))]
	if before == text {
		text = ""
	}
	after = text[len(strings.TrimRight(text, space)):]
	if strings.HasPrefix(before, " ") && besideSpace(n.PrevSibling, strings.HasSuffix) {
		before = ""
	}
	if strings.HasSuffix(after, " ") && besideSpace(n.NextSibling, strings.HasPrefix) {
		after = ""
	}
	return before, after
}

func besideSpace(sibling *html.Node, ends func(text, with string) bool) bool {
	switch {
	case sibling == nil:
		return false
	case sibling.Type == html.TextNode:
		return ends(sibling.Data, " ")
	case sibling.Type == html.ElementNode && !isBlock(sibling):
		return ends(textOf(sibling), " ")
	}
	return false
}

var spaces = regexp.MustCompile("[ \r\n\t]+")

// collapseSpace makes the text below root what a page shows of it: runs of space
// are one, and none is at the edges of blocks. pre is left as it is.
func collapseSpace(root *html.Node) {
	var texts []*html.Node // in the line so far; the last one may end with a space
	endLine := func() {
		if n := len(texts); n > 0 {
			texts[n-1].Data = strings.TrimSuffix(texts[n-1].Data, " ")
		}
		texts = nil
	}
	var empty []*html.Node
	keep := false // the next text may begin with a space
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		for child := range n.ChildNodes() {
			switch {
			case child.Type == html.TextNode:
				text := spaces.ReplaceAllString(child.Data, " ")
				if !keep && (len(texts) == 0 || strings.HasSuffix(texts[len(texts)-1].Data, " ")) {
					text = strings.TrimPrefix(text, " ")
				}
				if child.Data = text; text == "" {
					empty = append(empty, child)
				} else {
					texts = append(texts, child)
				}
				continue
			case child.Type != html.ElementNode:
				empty = append(empty, child)
				continue
			case isBlock(child) || child.DataAtom == atom.Br:
				endLine()
				keep = false
			case isOneOf(child, voids):
				texts, keep = nil, true
			case len(texts) > 0:
				keep = false
			}
			if child.DataAtom == atom.Pre {
				texts, keep = nil, true
				continue
			}
			walk(child)
			if isBlock(child) {
				endLine()
				keep = false
			}
		}
	}
	walk(root)
	endLine()
	for _, n := range empty {
		n.Parent.RemoveChild(n)
	}
}

var (
	markdownSigns = strings.NewReplacer(`\`, `\\`, "*", `\*`, "`", "\\`", "[", `\[`, "]", `\]`, "_", `\_`)
	lineBeginning = regexp.MustCompile(`^(?:-|\+ |=+|#{1,6} |~~~|>)`)
	numbered      = regexp.MustCompile(`^(\d+)\. `)
	parentheses   = strings.NewReplacer("(", `\(`, ")", `\)`)
)

// escapeMarkdown keeps text from being taken for Markdown.
func escapeMarkdown(text string) string {
	text = markdownSigns.Replace(text)
	if lineBeginning.MatchString(text) {
		return `\` + text
	}
	return numbered.ReplaceAllString(text, `$1\. `)
}

// codeSpan puts code between as many backticks as it has not in it.
func codeSpan(code string) string {
	if code == "" {
		return ""
	}
	code = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(code)
	around := ""
	if strings.HasPrefix(code, "`") || strings.HasSuffix(code, "`") ||
		strings.HasPrefix(code, " ") && strings.HasSuffix(code, " ") && strings.TrimSpace(code) != "" {
		around = " "
	}
	inside := ticks.FindAllString(code, -1)
	delimiter := "`"
	for slices.Contains(inside, delimiter) {
		delimiter += "`"
	}
	return delimiter + around + code + around + delimiter
}

var ticks = regexp.MustCompile("`+")

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// title is the title of a link or picture, as it stands behind the address.
func title(n *html.Node) string {
	text, _ := attribute(n, "title")
	if text == "" {
		return ""
	}
	return ` "` + strings.ReplaceAll(oneBreak(text), `"`, `\"`) + `"`
}

var breaksAndSpace = regexp.MustCompile(`(\n+\s*)+`)

func oneBreak(text string) string { return breaksAndSpace.ReplaceAllString(text, "\n") }

func lastElement(n *html.Node) *html.Node {
	last := n.LastChild
	for last != nil && last.Type != html.ElementNode {
		last = last.PrevSibling
	}
	return last
}

// numberOf is the number of an item in its list.
func numberOf(item *html.Node) string {
	number := 1
	if start, ok := attribute(item.Parent, "start"); ok {
		number, _ = strconv.Atoi(start)
	}
	for before := range item.Parent.ChildNodes() {
		if before == item {
			break
		}
		if before.Type == html.ElementNode {
			number++
		}
	}
	return strconv.Itoa(number)
}

func utf16Length(text string) int { return len(utf16.Encode([]rune(text))) }
