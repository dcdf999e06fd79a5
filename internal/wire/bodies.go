package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
)

// appendBody adds the part of m that is not JSON.
func appendBody(dst []byte, m Message) []byte {
	switch m := m.(type) {
	case *Task:
		return AppendDocuments(dst, m.Documents)
	case *Documents:
		return AppendDocuments(dst, m.Documents)
	case *Result:
		return AppendDocuments(dst, m.Changed)
	case *Code:
		return append(dst, m.Program...)
	case *Reply:
		return append(dst, m.Body...)
	case *Fetch:
		return append(dst, m.Body...)
	case *CompileRequest:
		for _, name := range slices.Sorted(maps.Keys(m.Files)) {
			dst = AppendDocuments(dst, []Document{{ID: name, Text: []byte(m.Files[name])}})
		}
	case *Compiled:
		for _, s := range []string{m.Program, m.SourceMap, m.Source} {
			dst = appendText(dst, s)
		}
	}
	return dst
}

// takeBody is the inverse of appendBody; the message may keep parts of body.
func takeBody(m Message, body []byte) (err error) {
	switch m := m.(type) {
	case *Task:
		m.Documents, err = SplitDocuments(body)
	case *Documents:
		m.Documents, err = SplitDocuments(body)
	case *Result:
		if m.Changed, err = SplitDocuments(body); err == nil {
			err = checkChanged(m.Changed)
		}
	case *Code:
		m.Program = string(body)
	case *Reply:
		m.Body = body
	case *Fetch:
		m.Body = body
	case *CompileRequest:
		m.Files, err = takeFiles(body)
	case *Compiled:
		err = takeTexts(body, maxProgramBytes, &m.Program, &m.SourceMap, &m.Source)
	default:
		if len(body) > 0 {
			err = errors.New("unexpected body")
		}
	}
	return err
}

// takeFiles splits the body of a compile request.
func takeFiles(body []byte) (map[string]string, error) {
	packed, err := SplitDocuments(body)
	if err != nil {
		return nil, err
	}
	files := make(map[string]string, len(packed))
	for _, f := range packed {
		if _, twice := files[f.ID]; twice || f.Text == nil {
			return nil, fmt.Errorf("file %q is there twice or not at all", f.ID)
		}
		files[f.ID] = string(f.Text)
	}
	return files, nil
}

// checkChanged looks into the documents of a result: what is stored must be
// readable by everybody.
func checkChanged(docs []Document) error {
	seen := make(map[string]bool, len(docs))
	for _, d := range docs {
		if seen[d.ID] {
			return fmt.Errorf("document %q changed twice", d.ID)
		}
		seen[d.ID] = true
		if err := jsontext.CheckDepth(d.Text, charm.MaxDepth); err != nil {
			return fmt.Errorf("document %q is %w", d.ID, err)
		}
		if !isDocument(d.Text) {
			return fmt.Errorf("document %q is not an object of value and source", d.ID)
		}
	}
	return nil
}

// isDocument reports whether text has the stored form of a document.
func isDocument(text []byte) bool {
	if len(text) == 0 || text[0] != '{' || !utf8.Valid(text) {
		return false
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return false
	}
	for key := range members {
		if key != "value" && key != "source" {
			return false
		}
	}
	return true
}
