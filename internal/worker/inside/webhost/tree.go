package webhost

// tree writes a document's JSON as its parts come, and counts them.
type tree struct {
	out    []byte
	nodes  int
	childs []bool // of each open element: whether it has one already
	err    *Exception
}

func newTree(size int) *tree {
	t := &tree{out: make([]byte, 0, size+size/2+64)}
	t.out = append(t.out, `{"root":`...)
	return t
}

// json is the finished document.
func (t *tree) json() string { return string(append(t.out, '}')) }

// count adds a node. Beyond a limit the error stays, and the parser stops at
// its next piece of content.
func (t *tree) count() {
	if t.nodes++; t.nodes > maxMarkupNodes {
		t.err = &Exception{"Error", "The document has too many nodes."}
	}
}

// child begins a child of the innermost open element.
func (t *tree) child() {
	t.count()
	if n := len(t.childs); n > 0 {
		if t.childs[n-1] {
			t.out = append(t.out, ',')
		}
		t.childs[n-1] = true
	}
}

func (t *tree) beginElement(name string) {
	t.child()
	if len(t.childs) == maxMarkupDepth {
		t.err = &Exception{"Error", "The document is nested too deeply."}
	}
	t.childs = append(t.childs, false)
	t.out = append(t.out, '[')
	t.out = appendString(t.out, name)
	t.out = append(t.out, ",["...)
}

func (t *tree) beginAttribute(name string) {
	t.count()
	if t.out[len(t.out)-1] == ']' {
		t.out = append(t.out, ',')
	}
	t.out = append(t.out, '[')
	t.out = appendString(t.out, name)
	t.out = append(t.out, `,"`...)
}

func (t *tree) endAttribute() { t.out = append(t.out, `"]`...) }

func (t *tree) endAttributes() { t.out = append(t.out, "],["...) }

func (t *tree) endElement() {
	t.childs = t.childs[:len(t.childs)-1]
	t.out = append(t.out, "]]"...)
}

func (t *tree) beginText() {
	t.child()
	t.out = append(t.out, '"')
}

func (t *tree) endText() { t.out = append(t.out, '"') }

func (t *tree) beginComment() {
	t.child()
	t.out = append(t.out, `{"c":"`...)
}

func (t *tree) endComment() { t.out = append(t.out, `"}`...) }

// plain adds text of plainBytes to an open string.
func (t *tree) plain(s string) { t.out = append(t.out, s...) }

// character adds the first character of s and tells its size.
func (t *tree) character(s string) (size int) {
	t.out, size = appendEscaped(t.out, s)
	return size
}

// text adds s.
func (t *tree) text(s string) {
	for len(s) > 0 {
		s = s[t.character(s):]
	}
}
