package pages_test

import (
	"testing"

	"charmd/charms"
	"charmd/internal/browser"
)

// What was wrong with a form is told also when the page asks how it stands while the
// form is on its way, and stays until it is sent once more; the rest goes on meanwhile.
func TestAMistakeStays(t *testing.T) {
	t.Parallel()
	d := start(t)
	ref := addCharm(t, d, charms.Source("counter.tsx"), "home", "counter", "")
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Go(d.URL + "/home/counter/inspect")
	browser.Eval[bool](w, `(() => {
		const ask = window.fetch;
		const gate = new Promise((open) => window.letOn = open);
		window.fetch = async (to, how) => {
			if (how?.method === "POST") await (window.held = gate);
			return ask(to, how);
		};
		return true;
	})()`)
	// lookAgain has the page do what it does when a person comes back to it, and in time by itself.
	lookAgain := func() {
		t.Helper()
		browser.Eval[bool](w, `document.dispatchEvent(new Event("visibilitychange"))`)
	}
	w.Click("section:has(> #argument) details:not(.tree) summary")
	w.Fill("[name=argument]", `{"value": 1000`)
	w.Click("[value=argument]")
	w.Await("window.held")
	lookAgain()
	w.Await("window.letOn() === undefined")
	w.AwaitText("the argument is not JSON")
	expect(t, w, "400")
	if _, err := d.Client.Disable(t.Context(), ref, "it has counted enough"); err != nil {
		t.Fatal(err)
	}
	lookAgain()
	w.AwaitText("it has counted enough")
	w.AwaitText("the argument is not JSON")
	if draft := browser.Eval[string](w, `document.querySelector("[name=argument]").value`); draft != `{"value": 1000` {
		t.Errorf("the form holds %q", draft)
	}

	w.Fill("[name=argument]", `{"value": 1000}`)
	w.Click("[value=argument]")
	w.Await(`!document.querySelector("[role=alert]")`)
	if _, err := d.Client.Enable(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	w.Await(`!document.body.innerText.includes("it has counted enough")`) // by itself
}

// An error that comes in the place of a page is not the end of it.
func TestAPageOutlivesAnError(t *testing.T) {
	t.Parallel()
	d := start(t)
	addCharm(t, d, charms.Source("counter.tsx"), "home", "counter", "")
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Go(d.URL + "/home/counter/inspect")
	browser.Eval[bool](w, `(() => {
		const ask = window.fetch;
		window.fetch = async () => {
			window.fetch = ask;
			return new Response("<main><p role=alert>The disk is full", { status: 503 });
		};
		return true;
	})()`)
	w.AwaitText("The disk is full")
	w.AwaitText("Why it is as it is")
}
