package service_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"charmd/internal/api"
)

const keeps = `import { recipe } from "@commontools/builder";
export default recipe({ type: "object", properties: { items: { type: "array", default: [] }, secret: { type: "string", default: "" } } },
  ({ items, secret }) => ({ items, secret }));
`

func TestItemsUnderASecretLink(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	ref := d.add(keeps, "feeds", "news.today", notRegistered, argument(`{"secret":"not for readers","items":[{"id":"1","title":"One","link":"https://e.org/1","date":"2026-03-02"}]}`))
	made, err := d.Client.Publish(t.Context(), ref, api.PublishRequest{})
	if err != nil || strings.Join(made.Cell, "/") != "items" || len(made.Links) != 3 {
		t.Fatalf("%+v, %v", made, err)
	}
	ask := func(method, address string, header ...string) (*http.Response, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var b strings.Builder
		for buf := make([]byte, 4096); ; {
			n, err := res.Body.Read(buf)
			b.Write(buf[:n])
			if err != nil {
				return res, b.String()
			}
		}
	}
	for format, want := range map[string]struct{ kind, text string }{
		"atom": {"application/atom+xml; charset=utf-8", "<title>One</title>"},
		"ics":  {"text/calendar; charset=utf-8", "SUMMARY:One\r\n"},
		"json": {"application/json; charset=utf-8", `"title":"One"`},
	} {
		res, text := ask("GET", made.Links[format])
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != want.kind || !strings.Contains(text, want.text) || strings.Contains(text, "not for readers") {
			t.Errorf("%s: %s %s %s", format, res.Status, res.Header.Get("Content-Type"), text)
		}
		if res.Header.Get("Referrer-Policy") != "no-referrer" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", format, res.Header)
		}
		if again, text := ask("GET", made.Links[format], "If-None-Match", res.Header.Get("ETag")); again.StatusCode != http.StatusNotModified || text != "" {
			t.Errorf("%s asked again: %s", format, again.Status)
		}
		if head, text := ask("HEAD", made.Links[format]); head.StatusCode != http.StatusOK || text != "" {
			t.Errorf("%s: HEAD %s", format, head.Status)
		}
	}
	link := made.Links["json"]
	address, key, _ := strings.Cut(link, "?key=")
	if len(key) < 26 {
		t.Errorf("the key is %q", key)
	}
	_, missing := ask("GET", strings.Replace(address, ref.Charm, "nothing", 1)+"?key="+key)
	for what, refused := range map[string]string{
		"another key": address + "?key=" + strings.Repeat("A", len(key)), "half a key": address + "?key=" + key[:13], "no such charm": strings.Replace(address, ref.Charm, "nothing", 1) + "?key=" + key,
	} {
		if res, text := ask("GET", refused); res.StatusCode != http.StatusNotFound || text != missing {
			t.Errorf("%s: %s %s", what, res.Status, text)
		}
	}
	page := strings.TrimSuffix(address, ".json")
	for what, refused := range map[string]string{"no key": address, "the page": page + "?key=" + key, "another format": page + ".txt?key=" + key, "the API": d.URL + "/api/v1/charms?key=" + key, "deeper": address + "/x.json?key=" + key} {
		if res, text := ask("GET", refused); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s %s", what, res.Status, text)
		}
	}
	if res, _ := ask("POST", link); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("POST: %s", res.Status)
	}
	if res, _ := ask("GET", link, "Origin", "https://evil.example"); res.StatusCode != http.StatusForbidden {
		t.Errorf("from another site's page: %s", res.Status)
	}
	if res, text := ask("GET", page, "Authorization", "Bearer "+d.token()); res.StatusCode != http.StatusOK || !json.Valid([]byte(text)) {
		t.Errorf("the page with the token: %s", res.Status)
	}
	if _, err := d.Client.Publish(t.Context(), ref, api.PublishRequest{Cell: []string{"secret"}}); err == nil || !strings.Contains(err.Error(), "has no list") {
		t.Errorf("a cell without a list: %v", err)
	}
	next, err := d.Client.Publish(t.Context(), ref, api.PublishRequest{Cell: []string{"items"}})
	if err != nil {
		t.Fatal(err)
	}
	if res, _ := ask("GET", link); res.StatusCode != http.StatusNotFound {
		t.Errorf("the link before: %s", res.Status)
	}
	if res, _ := ask("GET", next.Links["json"]); res.StatusCode != http.StatusOK {
		t.Errorf("the new link: %s", res.Status)
	}
	if err := d.Client.Unpublish(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if res, _ := ask("GET", next.Links["json"]); res.StatusCode != http.StatusNotFound {
		t.Errorf("after it was ended: %s", res.Status)
	}
	if err := d.Client.Unpublish(t.Context(), ref); err == nil {
		t.Error("a link that is not there was ended")
	}
}
