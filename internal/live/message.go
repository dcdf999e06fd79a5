package live

import (
	"encoding/json"

	"github.com/oklog/ulid/v2"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
)

// Version is that of the protocol between a page and us: a page that was loaded
// before an update of ours, and is told of another one, loads itself again.
const Version = 1

// MaxMessageBytes is the most that a page may send at once.
const MaxMessageBytes = 1 << 20

// message is what a page sends: an event of a node, or a value that an element
// writes to the cell it is bound to.
//
//	{"id": ULID, "node": id, "event": name, "value": the event}
//	{"id": ULID, "node": id, "set": name, "value": any JSON}
type message struct {
	id    string
	node  string
	event string // "" when a cell is written
	set   string
	value json.RawMessage
}

const mostOfName = 64 // bytes of an event's or a property's name

// decode reads a message. Whatever is not exactly one is an error.
func decode(data []byte) (m message, err error) {
	refuse := func(what string) (message, error) {
		return message{}, charm.Errorf(charm.CodeInvalid, "a page sent a message %s", what)
	}
	if len(data) > MaxMessageBytes {
		return refuse("that is too long")
	}
	v, err := jsontext.Parse(data, jsontext.Limits{Depth: 64})
	if err != nil {
		return refuse("that is not JSON")
	}
	o, ok := v.(*jsontext.Object)
	if !ok {
		return refuse("that is no object")
	}
	hasValue := false
	for key, v := range o.All() {
		text, isText := v.(string)
		switch key {
		case "id":
			m.id = text
		case "node":
			m.node = text
		case "event":
			m.event = text
		case "set":
			m.set = text
		case "value":
			m.value, hasValue, isText = jsontext.Append(nil, v), true, true
		default:
			return refuse("with a member it does not have")
		}
		if !isText || (key != "value" && (text == "" || len(text) > mostOfName)) {
			return refuse("with a member that is not as it should be")
		}
	}
	if _, err := ulid.ParseStrict(m.id); err != nil || len(m.id) != ulid.EncodedSize {
		return refuse("without an id")
	}
	if m.node == "" || !hasValue || (m.event == "") == (m.set == "") {
		return refuse("that says neither what happened nor what to write")
	}
	return m, nil
}
