package oauth

import (
	"context"
	"errors"
	"net"
	"net/http"
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
