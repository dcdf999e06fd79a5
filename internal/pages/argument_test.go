package pages_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"charmd/charms"
	"charmd/internal/client"
	"charmd/internal/process"
)

// post sends a form to a page as a browser would that runs no scripts, with the
// token in place of a cookie.
func post(t *testing.T, d *process.Daemon, path string, form url.Values) (status int, text string) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(d.Dir, client.TokenFile))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "text/html")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// TestArgumentIsEditedByMembers: what a person did not change stays what it was, a
// link for one.
func TestArgumentIsEditedByMembers(t *testing.T) {
	t.Parallel()
	d := start(t)
	first := addCharm(t, d, charms.Source("counter.tsx"), "home", "first", `{"value":10}`)
	shown, err := d.Client.Charm(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	second := addCharm(t, d, charms.Source("counter.tsx"), "home", "second", fmt.Sprintf(`{"value":{"cell":{"/":%q},"path":["value"]},"note":"a","list":[1]}`, shown.CharmID))
	save := func(before, after string) (int, string) {
		return post(t, d, "/home/second/inspect", url.Values{"do": {"argument"}, "before": {before}, "argument": {after}})
	}
	if status, text := save(`{"value":10,"note":"a","list":[1]}`, `{"value":10,"note":"b","list":[1,{"two":2}],"more":null}`); status != http.StatusSeeOther {
		t.Fatalf("%d %s", status, text)
	}
	value := func(ref client.Ref) (v struct{ Value int }) {
		t.Helper()
		c, err := d.Client.Charm(t.Context(), ref)
		if err == nil {
			err = json.Unmarshal(c.Result, &v)
		}
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	before := value(first)
	run(t, d, second)
	if after := value(first); after.Value <= before.Value {
		t.Errorf("the link did not stay: %v, then %v", before, after)
	}
	for _, tt := range []struct{ name, before, after, want string }{
		{"no JSON", `{}`, `{`, "the argument is not JSON"},
		{"no object", `{}`, `[1]`, "the argument is not a JSON object"},
		{"no JSON before", ``, `{}`, "the argument as it was is not JSON"},
		{"a member less", `{"value":1,"note":"b"}`, `{"value":1}`, "is missing: no member of an argument can be taken away"},
	} {
		status, text := save(tt.before, tt.after)
		if status != http.StatusBadRequest || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %d without %q", tt.name, status, tt.want)
		}
	}
	for path, form := range map[string]url.Values{
		"/home/second/inspect": {"do": {"fly"}}, "/service": {"do": {"fly"}}, "/": {"kind": {"fly"}},
	} {
		if status, text := post(t, d, path, form); status != http.StatusBadRequest || !strings.Contains(text, `role="alert"`) {
			t.Errorf("%s: what is not offered gives %d", path, status)
		}
	}
	for _, form := range []url.Values{
		{"kind": {"feed"}}, {"kind": {"template"}, "template": {"../bgAdmin"}}, {"kind": {"source"}, "source": {"x"}, "argument": {"{"}},
		{"kind": {"template"}, "template": {"counter"}, "space": {"service"}}, {"kind": {"template"}, "template": {"counter"}, "every": {"1ms"}},
	} {
		if status, text := post(t, d, "/", form); status != http.StatusBadRequest || !strings.Contains(text, `role="alert"`) {
			t.Errorf("%v gives %d", form, status)
		}
	}
}
