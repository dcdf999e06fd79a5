package pages_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/browser"
)

// TestAdminCharm disables, enables and deletes a charm on the admin charm's page;
// each takes effect at once.
func TestAdminCharm(t *testing.T) {
	t.Parallel()
	d := start(t)
	ref := addCharm(t, d, charms.Source("counter.tsx"), "home", "counter", "")
	run(t, d, ref)
	admin, err := d.Client.AddAdminCharm(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := browser.Start(t).Window(t)
	w.SignIn(d.Client)
	w.Go(admin.URL)
	w.AwaitText("2 registered")
	shown, err := d.Client.Charm(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	row := fmt.Sprintf(`tr:has(td[title=%q])`, shown.CharmID)
	button := func(n int) string { return fmt.Sprintf("#charm %s button:nth-of-type(%d)", row, n) }
	w.Await(fmt.Sprintf("document.querySelector(%q)", row))
	w.AwaitText("counter")
	accessible(t, w, "admin charm")
	w.Screenshot("admin-charm")
	w.Dark(true)
	accessible(t, w, "admin charm in the dark")
	stands := func(what string, is func(api.Charm) bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			c, err := d.Client.Charm(ctx, ref)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if is(c) {
				return
			}
			<-tick.C
		}
	}
	w.Click(button(1))
	w.Await(fmt.Sprintf(`document.querySelector(%q).innerText === "Enable"`, button(1)))
	stands("disabled", func(c api.Charm) bool { return c.State.Disabled && c.State.DisabledBy == "person" })
	w.Click(button(1))
	w.Await(fmt.Sprintf(`document.querySelector(%q).innerText === "Disable"`, button(1)))
	stands("enabled", func(c api.Charm) bool { return c.Enabled && c.Registered })
	if _, err := d.Client.Disable(t.Context(), ref, ""); err != nil {
		t.Fatal(err)
	}
	w.Await(fmt.Sprintf(`document.querySelector(%q).innerText === "Enable"`, button(1)))
	addCharm(t, d, charms.Source("counter.tsx"), "home", "later", "")
	w.AwaitText("3 registered")
	w.Click(button(2))
	w.AwaitText("2 registered")
	w.Await(fmt.Sprintf(`!document.querySelector(%q)`, row))
	stands("unregistered", func(c api.Charm) bool { return !c.Registered })
}
