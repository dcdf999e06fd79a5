package pages_test

import (
	"encoding/json"
	"testing"

	"charmd/internal/api"
	"charmd/internal/browser"
	"charmd/internal/client"
)

// A click that a charm leads elsewhere takes back nothing that a person decided:
// the browser asks.
func TestDecisionsAreAskedFor(t *testing.T) {
	t.Parallel()
	d := start(t)
	url := add(t, d, "everything", source(t, "everything.tsx"), func(r *api.AddRequest) {
		r.NoRegister = false
		r.Argument = json.RawMessage(`{"auth":{"token":"x","user":{"name":"Ada","email":"ada@example.org"}}}`)
	})
	if _, err := d.Client.Disable(t.Context(), client.Ref{Space: "home", Charm: "everything"}, "the owner said so"); err != nil {
		t.Fatal(err)
	}
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Go(url)
	w.Await(`(window.asked = [], window.confirm = (question) => (asked.push(question), false)) !== null`)
	for i, c := range []struct{ element, stands, asks string }{
		{"common-updater", "Disabled: the owner said so", "disabled by a person"},
		{"common-google-oauth", "Connected as Ada, ada@example.org", "Disconnect this Google account?"},
	} {
		w.Await(part(c.element, ".note") + `.textContent === "` + c.stands + `"`)
		w.Await(part(c.element, "button") + `.click() === undefined`)
		if asked := browser.Eval[[]string](w, "asked"); len(asked) != i+1 {
			t.Fatalf("before %s does something it is asked: %q", c.element, asked)
		}
		w.Await(`asked.at(-1).includes("` + c.asks + `") && ` + part(c.element, ".note") + `.textContent === "` + c.stands + `"`)
	}
}

const endless = `import { h } from "@commontools/html";
import { NAME, recipe, UI } from "@commontools/builder";
export default recipe({ type: "object", properties: {} }, () => ({
  [NAME]: "Endless",
  [UI]: <div><button id="top">here</button><p>{Array.from({ length: 50_000 }, (_, i) => i + " ")}</p><i>the end</i></div>,
}));
`

// A page that is too large is shown in part, and says so.
func TestLargePageSaysSo(t *testing.T) {
	t.Parallel()
	d := start(t)
	url := add(t, d, "endless", endless)
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Go(url)
	w.AwaitText("This page is too large: only a part of it is shown.")
	w.Await(`document.querySelector("#charm p").childNodes.length > 49_000 && document.querySelector("#charm i") === null`)
	w.Await(`document.querySelector("#charm-top").textContent === "here"`)
}
