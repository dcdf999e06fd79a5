package service_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/fakegoogle"
	"charmd/internal/process"
)

// The example of docs/integrations.md works as it stands there: only the hosts are
// those of this test.
func TestTheExampleOfAnIntegration(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/integrations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Adding an integration\n")
	block := func(kind string) string {
		m := regexp.MustCompile("(?s)```" + kind + "\n(.*?)```").FindStringSubmatch(section)
		if m == nil {
			t.Fatalf("there is no %s in %q", kind, section)
		}
		return m[1]
	}
	g := fakegoogle.Start(t, time.Now)
	g.HandleAPI("GET /tasks", "tasks.read", func(w http.ResponseWriter, r *http.Request, _ fakegoogle.Account) {
		answers := map[string]any{
			"":  map[string]any{"tasks": []any{map[string]string{"id": "1", "title": "Write", "due": "2026-03-02"}}, "last": "1", "more": true},
			"1": map[string]any{"tasks": []any{map[string]string{"id": "2", "title": "Read"}}, "last": "2"},
			"2": map[string]any{"tasks": []any{}, "last": "2"},
		}
		fakegoogle.Answer(w, http.StatusOK, answers[r.URL.Query().Get("after")])
	})
	table := strings.NewReplacer("https://example.org/oauth/authorize", g.URL+"/o/oauth2/v2/auth", "https://example.org/oauth/token", g.URL+"/token",
		"https://example.org/oauth/userinfo", g.URL+"/v1/userinfo", "api.example.org", g.Host, `"charmd"`, `"`+fakegoogle.ClientID+`"`).Replace(block("json"))
	if !json.Valid([]byte(table)) {
		t.Fatalf("the row is %s", table)
	}
	file := filepath.Join(t.TempDir(), "providers.json")
	if err := os.WriteFile(file, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := launch(t, process.Options{Dir: t.TempDir(), Args: []string{"--providers", file}, Env: []string{"SSL_CERT_FILE=" + g.CertFile}})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Client.SetSecret(t.Context(), "tasks-client-secret", fakegoogle.ClientSecret); err != nil {
		t.Fatal(err)
	}
	ref := d.add(strings.ReplaceAll(block("tsx"), "https://api.example.org", g.URL), "home", "tasks", allow(g.Host), rarely)
	begun, err := d.Client.Connect(t.Context(), ref, api.ConnectRequest{Provider: "tasks", Redirect: "http://127.0.0.1:9/connected"})
	if err != nil {
		t.Fatal(err)
	}
	q := allowAccess(t, browser(t, g), begun.URL).Query()
	if _, err := d.Client.FinishConnect(t.Context(), api.ConnectFinish{Provider: "tasks", State: q.Get("state"), Code: q.Get("code")}); err != nil {
		t.Fatal(err)
	}
	type tasks struct{ Items []struct{ ID, Title string } }
	d.run(ref)
	d.await(ref, "both pages", 30*time.Second, func(c api.Charm) bool { return len(result[tasks](t, c).Items) == 2 })
	if r := d.runOK(ref); len(result[tasks](t, d.show(ref)).Items) != 2 || d.show(ref).Integration != "tasks" {
		t.Errorf("a run without news: %+v", r)
	}
	made, err := d.Client.Publish(t.Context(), ref, api.PublishRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if status, text := get(t, http.DefaultClient, made.Links["atom"]); status != http.StatusOK || !strings.Contains(text, "<title>Write</title>") {
		t.Errorf("published: %d %s", status, text)
	}
	d.searchSecrets(g)
}
