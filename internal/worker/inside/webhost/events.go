package webhost

import (
	"regexp"
	"strings"
)

var eventField = regexp.MustCompile(`^(id|event|data): ?([^\n\r\x{2028}\x{2029}]*)\r?$`)

// Events reads a text/event-stream that has ended: a JSON array of {id, event,
// data}, all of them texts. An event is there as soon as each of its fields has
// come, in any order; one that lacks a field is none.
func Events(stream string) string {
	out := []byte{'['}
	fields := map[string]string{}
	for line := range strings.SplitSeq(stream, "\n") {
		if found := eventField.FindStringSubmatch(line); found != nil {
			fields[found[1]] = found[2]
		}
		if len(fields) < 3 {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = appendString(append(out, `{"id":`...), fields["id"])
		out = appendString(append(out, `,"event":`...), fields["event"])
		out = append(appendString(append(out, `,"data":`...), fields["data"]), '}')
		clear(fields)
	}
	return string(append(out, ']'))
}
