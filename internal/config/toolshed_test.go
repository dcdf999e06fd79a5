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
		if got := Names(tc.listen, tc.url); got != tc.want {
			t.Errorf("%s is %s: %v, want %v", tc.url, tc.listen, got, tc.want)
		}
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		env     []string
		problem string // "" when embedded
	}{
		{nil, ""},
		{[]string{"TOOLSHED_API_URL=http://localhost:8000", "MEMORY_URL=http://localhost:8000"}, ""},
		{[]string{"CHARMD_LISTEN=[::1]:9000", "TOOLSHED_API_URL=http://localhost:9000"}, ""},
		{[]string{"CHARMD_LISTEN=127.0.0.1:9000", "TOOLSHED_API_URL=http://localhost:8000"}, "environment variable TOOLSHED_API_URL"},
		{[]string{"TOOLSHED_API_URL=https://toolshed.example"}, "https://toolshed.example"},
		{[]string{"TOOLSHED_API_URL=http://localhost:8000", "MEMORY_URL=http://memory.example"}, "environment variable MEMORY_URL"},
	} {
		c, err := Load(Input{Env: tc.env})
		if err != nil {
			t.Fatal(err)
		}
		err = c.Embedded()
		switch {
		case tc.problem == "":
			if err != nil {
				t.Errorf("%v: %v", tc.env, err)
			}
		case err == nil:
			t.Errorf("%v: taken for our own", tc.env)
		case charm.CodeOf(err) != charm.CodeRemoteToolshed || !strings.Contains(err.Error(), tc.problem):
			t.Errorf("%v: %v", tc.env, err)
		}
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
