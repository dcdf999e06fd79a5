package config

import (
	"strings"
	"testing"

	"charmd/internal/charm"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		listen, url string
		want        bool
	}{
		{"127.0.0.1:8000", "http://localhost:8000", true},
		{"127.0.0.1:8000", "http://127.0.0.1:8000/", true},
		{"127.0.0.1:8000", "http://[::1]:8000", true},
		{"[::1]:8000", "http://LOCALHOST.:8000", true},
		{"localhost:8000", "http://[0:0::1]:8000", true},
		{"127.0.0.1:8000", "http://[::ffff:127.0.0.1]:8000", true},
		{"127.0.0.1:80", "http://localhost", true},
		{"127.0.0.1:08000", "http://localhost:8000", true},
		{"0.0.0.0:8000", "http://localhost:8000", true},
		{":8000", "http://127.0.0.1:8000", true},
		{"[::]:8000", "http://0.0.0.0:8000", true},
		{"nas.lan:8000", "http://NAS.lan:8000", true},
		{"192.168.1.2:8000", "http://192.168.1.2:8000", true},

		{"127.0.0.1:8000", "http://localhost:8001", false},
		{"127.0.0.1:8000", "http://localhost", false},
		{"127.0.0.1:443", "https://localhost", false},
		{"127.0.0.1:8000", "https://localhost:8000", false},
		{"127.0.0.1:8000", "http://127.0.0.2:8000", false},
		{"127.0.0.2:8000", "http://localhost:8000", false},
		{"127.0.0.1:8000", "http://toolshed.example:8000", false},
		{"127.0.0.1:8000", "http://localhost.example:8000", false},
		{"0.0.0.0:8000", "http://192.168.1.2:8000", false},
		{"127.0.0.1:8000", "http://localhost:8000/toolshed", false},
		{"127.0.0.1:0", "http://localhost:0", false},
		{"127.0.0.1:8000", "http://[::1", false},
	} {
		if got := (Config{Listen: tc.listen}).Names(tc.url); got != tc.want {
			t.Errorf("%s is %s: %v, want %v", tc.url, tc.listen, got, tc.want)
		}
	}
}

// Over TLS of ours the addresses are those over https.
func TestOverTLS(t *testing.T) {
	t.Parallel()
	c := Config{Listen: "127.0.0.1:443", TLSCert: "a", TLSKey: "b"}
	for url, want := range map[string]bool{"https://localhost": true, "https://127.0.0.1:443/": true, "http://localhost:443": false, "https://localhost:8000": false} {
		if c.Names(url) != want {
			t.Errorf("%s: want %v", url, want)
		}
	}
	if got := c.LocalURL(); got != "https://127.0.0.1:443" {
		t.Errorf("it is reached at %s", got)
	}
	for _, at := range []string{"https://127.0.0.1:8443", "http://127.0.0.1:8000"} {
		if got := c.At(at).LocalURL(); got != at {
			t.Errorf("a service at %s is reached at %s", at, got)
		}
	}
}

func TestForeign(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		env              []string
		toolshed, memory string // "" when it is ours
		listen           string
	}{
		{nil, "", "", "127.0.0.1:8000"},
		{[]string{"TOOLSHED_API_URL=http://localhost:8000", "MEMORY_URL=http://localhost:8000"}, "", "", "127.0.0.1:8000"},
		{[]string{"CHARMD_LISTEN=[::1]:9000", "TOOLSHED_API_URL=http://localhost:9000"}, "", "", "[::1]:9000"},
		{[]string{"TOOLSHED_API_URL=http://localhost:8001"}, "http://localhost:8001", "http://localhost:8001", "127.0.0.1:8100"},
		{[]string{"CHARMD_LISTEN=127.0.0.1:9000", "TOOLSHED_API_URL=http://localhost:8000/"}, "http://localhost:8000", "http://localhost:8000", "127.0.0.1:9000"},
		{[]string{"TOOLSHED_API_URL=https://toolshed.example"}, "https://toolshed.example", "https://toolshed.example", "127.0.0.1:8100"},
		{[]string{"MEMORY_URL=http://memory.example"}, "http://memory.example", "http://memory.example", "127.0.0.1:8100"},
		{[]string{"TOOLSHED_API_URL=http://a.example", "MEMORY_URL=http://b.example"}, "http://a.example", "http://b.example", "127.0.0.1:8100"},
	} {
		c, err := Load(Input{Env: tc.env})
		if err != nil {
			t.Fatal(err)
		}
		if toolshed, memory := c.Foreign(); toolshed != tc.toolshed || memory != tc.memory || c.Listen != tc.listen {
			t.Errorf("%v: toolshed %q, memory %q, listens on %s", tc.env, toolshed, memory, c.Listen)
		}
	}
	_, err := Load(Input{Env: []string{"CHARMD_LISTEN=127.0.0.1:8000", "TOOLSHED_API_URL=http://localhost:8000", "MEMORY_URL=http://memory.example"}})
	if charm.CodeOf(err) != charm.CodeUsage || !strings.Contains(err.Error(), "memory.example") {
		t.Errorf("one half ours: %v", err)
	}
}

func TestAside(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		env    []string
		listen string
	}{
		{nil, "127.0.0.1:8000"},
		{[]string{"TOOLSHED_API_URL=http://localhost:8000"}, "127.0.0.1:8100"},
		{[]string{"TOOLSHED_API_URL=http://localhost:8000", "CHARMD_LISTEN=127.0.0.1:8000"}, "127.0.0.1:8000"},
	} {
		c, err := Load(Input{Env: tc.env})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Aside().Listen; got != tc.listen {
			t.Errorf("%v: listens on %s when its address is taken", tc.env, got)
		}
	}
}

func TestSameToolshed(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"http://localhost:8000", "http://127.0.0.1:8000/", "http://[::1]:8000", "http://LOCALHOST:08000"},
		{"https://toolshed.example", "https://Toolshed.example.:443/"},
		{"http://toolshed.example/a", "http://toolshed.example:80/a/"},
	} {
		for _, address := range same {
			if got, want := SameToolshed(address), SameToolshed(same[0]); got != want {
				t.Errorf("%s is %s, %s is %s", address, got, same[0], want)
			}
		}
	}
	if SameToolshed("http://localhost:8000") == SameToolshed("http://localhost:8001") || SameToolshed("http://a") == SameToolshed("https://a") {
		t.Error("different ones are taken for one")
	}
}

func TestLocalURL(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		"127.0.0.1:8000": "http://127.0.0.1:8000", "localhost:1": "http://localhost:1", "[::1]:8000": "http://[::1]:8000",
		":8000": "http://127.0.0.1:8000", "0.0.0.0:8000": "http://127.0.0.1:8000", "[::]:8000": "http://127.0.0.1:8000",
	} {
		if got := (Config{Listen: listen}).LocalURL(); got != want {
			t.Errorf("%s is reached at %s, want %s", listen, got, want)
		}
	}
}
