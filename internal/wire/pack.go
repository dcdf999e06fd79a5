package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"charmd/internal/charm"
)

var errShort = errors.New("body ends inside an entry")

// AppendDocuments adds documents in packed form to dst; per document
//
//	u32 length, id, u8 present, u32 length, text
func AppendDocuments(dst []byte, docs []Document) []byte {
	for _, d := range docs {
		dst = appendText(dst, d.ID)
		if d.Text == nil {
			dst = append(dst, 0, 0, 0, 0, 0)
			continue
		}
		dst = append(dst, 1)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(d.Text)))
		dst = append(dst, d.Text...)
	}
	return dst
}

// SplitDocuments is the inverse of AppendDocuments. The texts are parts of body;
// one of an existing document is never nil. It does not look into them.
func SplitDocuments(body []byte) ([]Document, error) {
	var docs []Document
	for len(body) > 0 {
		id, rest, err := cutText(body, MaxIDBytes)
		if err != nil {
			return nil, fmt.Errorf("document id: %w", err)
		}
		if len(id) == 0 {
			return nil, errors.New("document without an id")
		}
		if len(rest) == 0 {
			return nil, errShort
		}
		present := rest[0]
		text, rest, err := cutText(rest[1:], charm.MaxDocumentBytes)
		if err != nil {
			return nil, fmt.Errorf("document %q: %w", id, err)
		}
		d := Document{ID: string(id)}
		switch {
		case present == 1:
			d.Text = text
		case present != 0 || len(text) != 0:
			return nil, fmt.Errorf("document %q: bad presence byte", id)
		}
		docs = append(docs, d)
		body = rest
	}
	return docs, nil
}

// appendText adds a text with its length.
func appendText(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}

// cutText takes a text of at most max bytes off the front of b; it is never nil.
func cutText(b []byte, max int) (text, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, errShort
	}
	n := binary.BigEndian.Uint32(b)
	b = b[4:]
	switch {
	case n > math.MaxInt32 || int(n) > max:
		return nil, nil, fmt.Errorf("entry of %d bytes; at most %d are allowed", n, max)
	case int(n) > len(b):
		return nil, nil, errShort
	}
	return b[:n:n], b[n:], nil
}

// takeTexts splits a body that is exactly these texts.
func takeTexts(body []byte, max int, into ...*string) error {
	for _, s := range into {
		text, rest, err := cutText(body, max)
		if err != nil {
			return err
		}
		*s, body = string(text), rest
	}
	if len(body) > 0 {
		return errors.New("bytes after the last entry")
	}
	return nil
}
