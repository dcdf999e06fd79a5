package pages_test

import (
	"testing"

	"charmd/charms"
	"charmd/internal/browser"
)

// What was wrong with a form is told also when the page asks how it stands while the
// form is on its way, and stays until it is sent once more.
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
		window.questions = 0;
		window.fetch = async (to, how) => {
			if (how?.method === "POST") await (window.held = gate);
			else window.questions++;
			return ask(to, how);
		};
		return true;
	})()`)
	// lookAgain has the page do what it does when a person comes back to it, and in time by itself.
	lookAgain := func() (questions int) {
		t.Helper()
		return browser.Eval[int](w, `new Promise((then) => {
			document.dispatchEvent(new Event("visibilitychange"));
			setTimeout(() => then(window.questions), 20);
		})`)
	}
	w.Click("section:has(> #argument) details:not(.tree) summary")
	w.Fill("[name=argument]", `{"value": 1000`)
	w.Click("[value=argument]")
	w.Await("window.held")
	lookAgain()
	w.Await("window.letOn() === undefined")
	w.AwaitText("the argument is not JSON")
	expect(t, w, "400")
	before := browser.Eval[int](w, "window.questions")
	if after := lookAgain(); after != before {
		t.Errorf("the page asked %d times while it told of a mistake", after-before)
	}
	w.AwaitText("the argument is not JSON")

	w.Fill("[name=argument]", `{"value": 1000}`)
	w.Click("[value=argument]")
	w.Await(`!document.querySelector("[role=alert]")`)
	if _, err := d.Client.Disable(t.Context(), ref, "it has counted enough"); err != nil {
		t.Fatal(err)
	}
	w.AwaitText("it has counted enough") // by itself
}
