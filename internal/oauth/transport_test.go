package oauth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/egress"
)

// Where hosts wait for a person's consent, a provider's own endpoints do not: nobody
// could connect an account there.
func TestEndpointsNeedNoConsent(t *testing.T) {
	t.Parallel()
	client, err := egress.New(egress.Options{
		Consent: egress.ConsentAsk, Contacted: func(k charm.Contact) { t.Errorf("told of %+v", k) },
		Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("there is no network here")
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for name, p := range builtIn() {
		p.Name = name
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.TokenURL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := Transport(client, p).RoundTrip(req)
		if err == nil {
			res.Body.Close()
		}
		if e, ok := errors.AsType[*egress.Error](err); !ok || e.Code != egress.CodeDNS {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list := client.Contacts(); len(list) != 0 {
		t.Errorf("remembered are %+v", list)
	}
}

// What nests too deep is no answer of an endpoint: nobody looks at it further.
func TestEndpointsThatNest(t *testing.T) {
	t.Parallel()
	levels := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, ` {"a":%s1%s}`, strings.Repeat("[", levels-1), strings.Repeat("]", levels-1))
	}))
	t.Cleanup(server.Close)
	client, err := egress.New(egress.Options{AllowHosts: []string{strings.TrimPrefix(server.URL, "http://")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	p := Provider{Name: "x", AuthURL: server.URL, TokenURL: server.URL}
	for levels = charm.MaxDepth; levels <= charm.MaxDepth+1; levels++ {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := Transport(client, p).RoundTrip(req)
		if err == nil {
			res.Body.Close()
		}
		if (err == nil) != (levels == charm.MaxDepth) {
			t.Errorf("%d levels: %v", levels, err)
		}
	}
}
