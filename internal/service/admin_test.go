package service_test

import (
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/client"
)

// TestAdminCharmFollowsTheRegistry: the admin charm is run when somebody is
// registered, removed, enabled or disabled, and ends ok; nobody else need ask.
func TestAdminCharmFollowsTheRegistry(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	added, err := d.Client.AddAdminCharm(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.Client.AddAdminCharm(t.Context())
	if err != nil || again != added {
		t.Errorf("the second time it is %+v, %v", again, err)
	}
	admin := client.Ref{Space: added.Space, Charm: added.CharmID}
	lists := func(what string, n int, disabled bool) {
		t.Helper()
		type table struct {
			Charms []struct{ DisabledAt float64 }
		}
		d.await(admin, what, 30*time.Second, func(c api.Charm) bool {
			list := result[table](t, c).Charms
			return len(list) == n && (list[n-1].DisabledAt != 0) == disabled && c.State.LastOutcome == "ok"
		})
	}
	ref := d.add(counter, "home", "counter", rarely)
	lists("a charm is registered", 2, false)
	if _, err := d.Client.Disable(t.Context(), ref, ""); err != nil {
		t.Fatal(err)
	}
	lists("it is disabled", 2, true)
	if _, err := d.Client.Enable(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	lists("it is enabled", 2, false)
	before := d.show(admin).State.TotalSuccesses
	if err := d.Client.Remove(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	lists("it is removed", 1, false)
	d.await(admin, "it is drawn anew", 30*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > before })
	if c := d.show(admin); c.Registered || c.State.TotalFailures != 0 {
		t.Errorf("registered %v, state %+v", c.Registered, c.State)
	}
}
