package webhost

import (
	"errors"
	"io"
	"runtime/metrics"

	"golang.org/x/net/html"
)

// Limits of an HTML document. Wrongly nested markup is repaired by copying
// elements, so a small text can ask for a tree of gigabytes.
const (
	maxHTMLBytes = 1 << 20
	maxHTMLHeap  = 64 << 20 // bytes by which the heap may grow meanwhile
)

var errHeap = errors.New("the tree takes too much memory")

// parseHTML is XML for text/html, where every text is a document. Element and
// attribute names are those of the HTML standard's tree.
func parseHTML(text string) (string, error) {
	if len(text) > maxHTMLBytes {
		return "", tooLarge("document")
	}
	doc, err := html.Parse(&frugalReader{text: scalarValues(text), start: heapBytes()})
	if errors.Is(err, errHeap) {
		return "", &Exception{"Error", "The document takes too much memory."}
	}
	if err != nil {
		return "", &Exception{"Error", "The document is nested too deeply."}
	}
	t := newTree(len(text))
	for n := range doc.ChildNodes() {
		if n.Type == html.ElementNode {
			writeHTML(t, n)
		}
	}
	if t.err != nil {
		return "", t.err
	}
	return t.json(), nil
}

// frugalReader hands out a text in small pieces and stops when the heap has
// grown too far since start: the parser reads on only after it has built what
// the last piece asked for.
type frugalReader struct {
	text  string
	start uint64
}

func (r *frugalReader) Read(p []byte) (int, error) {
	const piece = 1 << 10
	if r.text == "" {
		return 0, io.EOF
	}
	if heapBytes() > r.start+maxHTMLHeap {
		return 0, errHeap
	}
	n := copy(p[:min(len(p), piece)], r.text)
	r.text = r.text[n:]
	return n, nil
}

func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// writeHTML writes n and what is below it, without recursion.
func writeHTML(t *tree, root *html.Node) {
	for n := root; t.err == nil; {
		switch n.Type {
		case html.ElementNode:
			beginHTML(t, n)
			if n.FirstChild != nil {
				n = n.FirstChild
				continue
			}
			t.endElement()
		case html.TextNode:
			t.beginText()
			t.text(n.Data)
			t.endText()
		case html.CommentNode:
			t.beginComment()
			t.text(n.Data)
			t.endComment()
		}
		for n != root && n.NextSibling == nil {
			n = n.Parent
			t.endElement()
		}
		if n == root {
			return
		}
		n = n.NextSibling
	}
}

func beginHTML(t *tree, n *html.Node) {
	t.beginElement(n.Data)
	for _, a := range n.Attr {
		name := a.Key
		if a.Namespace != "" {
			name = a.Namespace + ":" + name
		}
		t.beginAttribute(name)
		t.text(a.Val)
		t.endAttribute()
	}
	t.endAttributes()
}
