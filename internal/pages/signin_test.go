package pages_test

import (
	"strings"
	"testing"

	"charmd/internal/browser"
)

// A newcomer follows the link, is in, and out again when they say so.
func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	d := start(t)
	w := browser.Start(t).Window(t)
	w.Go(d.URL + "/")
	w.AwaitText("charmd open")
	w.Screenshot("sign-in")
	expect(t, w, "401")

	link, err := d.Client.SignInLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.Go(d.URL + link.Path)
	w.AwaitText("home/heartbeat")
	if browser.Eval[string](w, "document.cookie") != "" {
		t.Error("scripts can read the cookie")
	}

	other := w.Beside()
	other.Go(d.URL + "/service/sign-in?" + strings.SplitN(link.Path, "?", 2)[1])
	other.AwaitText("this link has been used")
	expect(t, other, "401")
	other.Go(d.URL + "/")
	other.AwaitText("home/heartbeat")

	w.Click("header form button")
	w.AwaitText("charmd open")
	other.AwaitText("charmd open") // by itself
	expect(t, w, "401")
	expect(t, other, "401")
	if log := d.Log(); strings.Contains(log, "link=") || !strings.Contains(log, "pages: charmd open") {
		t.Errorf("the link is in the log:\n%s", log)
	}
}

// expect takes what a page has complained of, which must all be of this kind.
func expect(t *testing.T, w *browser.Window, kind string) {
	t.Helper()
	for _, line := range w.Complaints() {
		if !strings.Contains(line, kind) {
			t.Errorf("the page complains: %s", line)
		}
	}
}
