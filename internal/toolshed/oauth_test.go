package toolshed

import (
	"testing"

	"charmd/internal/charm"
	"charmd/internal/merkle"
)

// Whatever a page sends as the link of a cell, what comes of it is a link or an error.
func FuzzAuthCell(f *testing.F) {
	id := merkle.EntityID(nil, "auth").Link()
	f.Add(`{"space":"did:key:z6MkHome","cell":{"/":"` + id + `"},"path":["auth",0]}`)
	f.Add(`{"space":"did:key:z6MkHome","cell":{"/":"` + id + `"}}`)
	f.Add(`{"space":"did:key:z6MkHome","cell":{"/":"../../etc"},"path":[]}`)
	f.Add(`{"space":"home","cell":{"/":"` + id + `"},"path":[{}]}`)
	f.Add(`[`)
	f.Fuzz(func(t *testing.T, text string) {
		space, at, err := parseAuthCell(text)
		if err != nil {
			if charm.CodeOf(err) != charm.CodeInvalid {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if _, bad := merkle.ParseLink(at.ID); bad != nil || !charm.IsDID(space) {
			t.Errorf("%q is taken for %s %+v", text, space, at)
		}
	})
}

func TestLoopbackURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"http://127.0.0.1:40123/connected": true, "http://[::1]:1/x": true, "https://127.0.0.1/x": false, "http://localhost:1/x": false,
		"http://evil.example/": false, "http://127.0.0.1.evil.example/": false, "http://u@127.0.0.1/": false, "http://127.0.0.1/?a=b": false, "": false, "http://192.168.1.1/": false,
	} {
		if got := loopbackURL(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}
