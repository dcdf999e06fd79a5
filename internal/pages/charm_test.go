package pages_test

import (
	"fmt"
	"testing"

	"charmd/internal/api"
	"charmd/internal/browser"
	"charmd/internal/process"
)

// add adds a charm that nothing runs by itself, and returns its page's address.
func add(t *testing.T, d *process.Daemon, name, source string, change ...func(*api.AddRequest)) string {
	t.Helper()
	req := api.AddRequest{Entry: name + ".tsx", Files: map[string]string{name + ".tsx": source}, Space: "home", Name: name, NoRegister: true}
	for _, fn := range change {
		fn(&req)
	}
	added, err := d.Client.Add(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return d.URL + "/home/" + added.CharmID
}

// within names a part of one of our elements, as a JavaScript expression.
func part(element, css string) string {
	return fmt.Sprintf("document.querySelector(%q).shadowRoot.querySelector(%q)", "#charm "+element, css)
}

// A newcomer's first minute: from the printed link to the heartbeat that counts.
func TestNewcomerSeesTheHeartbeatCount(t *testing.T) {
	t.Parallel()
	d := start(t, "--interval", "1s")
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Click(`a[href="/home/heartbeat"]`)
	w.AwaitText("This charm has run")
	first := browser.Eval[int](w, `parseInt(/has run (\d+)/.exec(document.body.innerText)[1])`)
	w.Await(fmt.Sprintf(`parseInt(/has run (\d+)/.exec(document.body.innerText)[1]) >= %d`, first+2))
	w.Await(part("common-updater", ".note") + `.textContent.includes("Registered: runs in the background (heartbeat)")`)
	w.Screenshot("charm-heartbeat")
}
