package service

import (
	"testing"

	"charmd/internal/config"
)

// Links for people lead to where people come in: behind a proxy, to the proxy.
func TestWherePagesAreReached(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		c    config.Config
		want string
	}{
		{"on this machine", config.Config{HostNames: []string{"charmd.example.org"}}, "http://127.0.0.1:8000"},
		{"a proxy", config.Config{BehindProxy: true, HostNames: []string{"charmd.example.org", "other"}}, "https://charmd.example.org"},
		{"at a port", config.Config{BehindProxy: true, HostNames: []string{"charmd.example.org:8443"}}, "https://charmd.example.org:8443"},
		{"without a name", config.Config{BehindProxy: true}, "http://127.0.0.1:8000"},
	} {
		s := &Service{config: tc.c, localURL: "http://127.0.0.1:8000"}
		if got := s.pagesURL(config.Config{Listen: "0.0.0.0:8000"}); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
