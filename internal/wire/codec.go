package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
)

// appendFrame adds m as one frame to dst.
func appendFrame(dst []byte, m Message) ([]byte, error) {
	k := kinds[m.Type()]
	if err := check(m); err != nil {
		return nil, Violationf("%s: %v", k.name, err)
	}
	head, err := json.Marshal(m)
	if err != nil {
		return nil, Violationf("%s: %v", k.name, err)
	}
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, byte(m.Type()))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(head)))
	dst = append(dst, head...)
	bodyAt := len(dst)
	dst = appendBody(dst, m)
	length := len(dst) - start - lengthBytes
	if len(head) > k.maxHead || len(dst)-bodyAt > k.maxBody || length > charm.MaxFrameBytes {
		return nil, Violationf("%s of %d bytes is larger than allowed", k.name, length)
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(length))
	return dst, nil
}

// decode fills m from the two parts of a frame.
func decode(m Message, head, body []byte) error {
	if err := decodeJSON(head, m); err != nil {
		return err
	}
	if err := takeBody(m, body); err != nil {
		return err
	}
	return check(m)
}

// decodeJSON decodes one JSON object and nothing beside it into a struct that
// has a field for every member.
func decodeJSON(text []byte, into any) error {
	if len(text) == 0 || text[0] != '{' {
		return errors.New("head is not an object")
	}
	if err := jsontext.CheckDepth(text, charm.MaxDepth); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("bytes after the head's object")
	}
	return nil
}

// DecodeReport reads the report of the runtime in the VM, as strictly as a frame.
func DecodeReport(text string) (Report, error) {
	var r Report
	err := decodeJSON([]byte(text), &r)
	return r, err
}
