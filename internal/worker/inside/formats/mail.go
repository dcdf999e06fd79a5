package formats

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"

	"charmd/internal/worker/inside/webhost"
)

const maxParts = 1000 // of one multipart body

var words = mime.WordDecoder{CharsetReader: func(label string, in io.Reader) (io.Reader, error) {
	b, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	text, err := webhost.DecodeText(b, label, false)
	return strings.NewReader(text), err
}}

// Header is the value of a mail's header with its encoded words (RFC 2047) read. What
// cannot be read stays as it is.
func Header(text string) string {
	if plain, err := words.DecodeHeader(text); err == nil {
		return plain
	}
	return text
}

// part is one of a multipart body.
type part struct {
	Headers map[string]string `json:"headers"` // lower-case names
	Body    string            `json:"body"`
}

// Multipart is the parts of a body with such a Content-Type as JSON {"parts":[{headers,
// body},…],"complete"}; complete is false when the body ends before its closing
// boundary, and the part that was cut is not among them.
func Multipart(b []byte, contentType string) (string, error) {
	if len(b) > maxBytes {
		return "", tooLarge("body")
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasPrefix(kind, "multipart/") || params["boundary"] == "" {
		return "", &webhost.Exception{Name: "TypeError", Message: "the body is not multipart: its Content-Type is " + contentType[:min(len(contentType), 80)]}
	}
	out := struct {
		Parts    []part `json:"parts"`
		Complete bool   `json:"complete"`
	}{Parts: []part{}}
	for r := multipart.NewReader(bytes.NewReader(b), params["boundary"]); len(out.Parts) < maxParts; {
		p, err := r.NextRawPart()
		if err != nil {
			out.Complete = errors.Is(err, io.EOF) && bytes.Contains(b, []byte("--"+params["boundary"]+"--"))
			break
		}
		body, err := io.ReadAll(p)
		if err != nil {
			break
		}
		text, err := Text(body, p.Header.Get("Content-Type"))
		if err != nil {
			return "", err
		}
		out.Parts = append(out.Parts, part{lower(p.Header), text})
	}
	text, err := json.Marshal(out)
	return string(text), err
}

func lower(h textproto.MIMEHeader) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		out[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return out
}
