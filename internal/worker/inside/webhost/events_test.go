package webhost

import "testing"

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
