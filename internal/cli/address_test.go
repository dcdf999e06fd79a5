package cli

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRecipeForAnAddress(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"/feed":  "<?xml version=\"1.0\"?><rss><channel><title><![CDATA[Ada's Blog]]></title></channel></rss>",
		"/blog":  `<!DOCTYPE html><html><head><title>A blog</title><link rel="alternate" type="application/atom+xml" href="/feed"></head>`,
		"/page":  `<!DOCTYPE html><html><head><title>No feed</title></head>`,
		"/cal":   "BEGIN:VCALENDAR\r\nX-WR-CALNAME:Team / Work\r\nEND:VCALENDAR\r\n",
		"/list":  `{"items":[]}`,
		"/text":  "hello",
		"/empty": "",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	for _, c := range []struct{ address, recipe, name, setting, value, problem string }{
		{"https://github.com/golang/go", "github", "go", "repo", "golang/go", ""},
		{"https://www.github.com/golang/go.git/", "github", "go", "repo", "golang/go", ""},
		{"https://GitHub.com/Golang/Tools/issues?q=x", "github", "tools", "repo", "Golang/Tools", ""},
		{server.URL + "/feed", "rss", "ada-s-blog", "feedUrl", server.URL + "/feed", ""},
		{server.URL + "/blog", "rss", "a-blog", "feedUrl", server.URL + "/blog", ""},
		{server.URL + "/cal", "ical", "team-work", "url", server.URL + "/cal", ""},
		{server.URL + "/list", "json", "127-0-0-1", "url", server.URL + "/list", ""},
		{server.URL + "/page", "", "", "", "", "is no feed"},
		{server.URL + "/text", "", "", "", "", "is no feed"},
		{server.URL + "/empty", "", "", "", "", "is no feed"},
		{server.URL + "/gone", "", "", "", "", "it answered 404"},
		{"http://ada:secret@example.org/", "", "", "", "", "holds a password"},
		{"https://", "", "", "", "", "is not an address"},
	} {
		got, err := recipeFor(t.Context(), c.address, []string{host}, nil)
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %+v, %v", c.address, got, err)
			}
			continue
		}
		if err != nil || got.recipe != c.recipe || got.name != c.name || got.setting != c.setting || got.value != c.value || got.because == "" {
			t.Errorf("%s: %+v, %v", c.address, got, err)
		}
	}
	if _, err := recipeFor(t.Context(), server.URL+"/feed", nil, nil); err == nil {
		t.Error("a private address was asked without --allow-host")
	}
	for text, is := range map[string]bool{"news.tsx": false, "./a/b.tsx": false, "https://x": true, "webcal://x/y": true, "file:///etc/passwd": false, "c://x": false} {
		if isAddress(text) != is {
			t.Errorf("%s is an address: %v", text, !is)
		}
	}
}
