package pages

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"charmd/internal/explain"
	"charmd/internal/jsontext"
)

// tree is a JSON value as a part of the page that can be folded out, key by key.
type tree struct {
	Key   string // "" for the root
	Path  string // from the root; names the part while the page changes
	Kind  string // object, list, text, number, yes-no, nothing
	Text  string // of a plain value
	Sum   string // what is inside, in a word
	Open  bool
	Inner []tree
	More  int // members that are not shown
}

const (
	// treeMembers of an object or list are shown, and treeDepth levels; treeValues
	// bounds the whole, and treeText what is shown of one text, bytes.
	treeMembers = 100
	treeDepth   = 12
	treeValues  = 2000
	treeText    = 2000
	// openMembers is how many an inner value may have that is folded out at first.
	openMembers = 6
)

// newTree is the tree of a JSON text. What is not JSON is shown as a text.
func newTree(text json.RawMessage) tree {
	v, err := jsontext.Parse(text, jsontext.DefaultLimits)
	if err != nil {
		v = string(text)
	}
	left := treeValues
	t := grow("", "", v, 0, &left)
	t.Open = true
	return t
}

func grow(key, path string, v any, depth int, left *int) tree {
	*left--
	t := tree{Key: key, Path: path}
	member := func(key string, v any) {
		if len(t.Inner) >= treeMembers || *left <= 0 || depth >= treeDepth {
			t.More++
			return
		}
		t.Inner = append(t.Inner, grow(key, path+"/"+key, v, depth+1, left))
	}
	switch v := v.(type) {
	case *jsontext.Object:
		t.Kind, t.Sum = "object", count(v.Len(), "member")
		t.Open = depth < 2 && v.Len() <= openMembers
		for k, e := range v.All() {
			member(k, e)
		}
	case []any:
		t.Kind, t.Sum = "list", count(len(v), "item")
		t.Open = depth < 2 && len(v) <= openMembers
		for i, e := range v {
			member(strconv.Itoa(i), e)
		}
	case string:
		t.Kind, t.Text = "text", v
		if len(v) > treeText {
			t.Text = strings.ToValidUTF8(v[:treeText], "") + fmt.Sprintf("… (%s)", explain.Size(int64(len(v))))
		}
	case bool:
		t.Kind, t.Text = "yes-no", strconv.FormatBool(v)
	case nil:
		t.Kind, t.Text = "nothing", "null"
	default:
		t.Kind, t.Text = "number", string(jsontext.Append(nil, v))
	}
	return t
}
