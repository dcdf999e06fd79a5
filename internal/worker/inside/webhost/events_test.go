package webhost

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	for stream, want := range map[string]string{
		"":                             `[]`,
		"id: 1\nevent: a\ndata: {\n\n": `[{"id":"1","event":"a","data":"{"}]`,
		"data:\r\nevent:  b \r\nid:2\r\n\r\nid: 3":                                             `[{"id":"2","event":" b ","data":""}]`,
		"id: 1\nid: 2\nevent: a\n: no\nretry: 5\ndata: \"\nid: 3\nevent: b\ndata: c\nevent: d": `[{"id":"2","event":"a","data":"\""},{"id":"3","event":"b","data":"c"}]`,
		"id: 1\nevent: a\ndata: b\rc\ndata: b\u2028c\n xdata: d":                               `[]`,
	} {
		if got := Events(stream); got != want {
			t.Errorf("%q is %s, want %s", stream, got, want)
		}
	}
}

// What an event says stands in the stream, on one line, and is the same when it is
// written again.
func FuzzEvents(f *testing.F) {
	for _, stream := range []string{
		"id: 1\nevent: a\ndata: {\n\n", "data:\r\nevent:  b \r\nid:2\r\n\r\nid: 3", "id: 1\nid: 2\nevent: a\n: no\nretry: 5\ndata: \"\n",
		"id:\xed\xa0\x80\nevent:\u2028\ndata:\x00\n", "id:\nevent:\ndata:\xff\nid:\nevent:\ndata:",
	} {
		f.Add(stream)
	}
	type event struct{ ID, Event, Data string }
	read := func(t *testing.T, stream string) (list []event) {
		text := Events(stream)
		if err := json.Unmarshal([]byte(text), &list); err != nil || list == nil {
			t.Fatalf("%q reads as %s: %v", stream, text, err)
		}
		return list
	}
	f.Fuzz(func(t *testing.T, stream string) {
		list := read(t, stream)
		var again strings.Builder
		for _, e := range list {
			for _, text := range []string{e.ID, e.Event, e.Data} {
				if strings.ContainsAny(text, "\n\r\u2028\u2029") || !strings.ContainsRune(text, '\uFFFD') && !strings.Contains(stream, text) {
					t.Errorf("%q says %q", stream, text)
				}
			}
			again.WriteString("data: " + e.Data + "\nid: " + e.ID + "\nevent: " + e.Event + "\n\n")
		}
		if got := read(t, again.String()); !slices.Equal(got, list) {
			t.Errorf("%q reads as %+v, and written again as %+v", stream, list, got)
		}
	})
}
