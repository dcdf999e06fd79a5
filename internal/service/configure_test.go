package service_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
)

// What add was given can be changed later, all of it or nothing, and is kept.
func TestConfiguringACharm(t *testing.T) {
	t.Parallel()
	url, host := serve(t, func(http.ResponseWriter, *http.Request) {})
	d := startDaemon(t, t.TempDir(), "--max-retries", "0")
	ref := d.add(failing(`return (async () => { await fetch("`+url+`"); })();`), "s", "lights", rarely)
	d.await(ref, "is refused", 30*time.Second, func(c api.Charm) bool { return c.State.TotalExecutions == 1 })
	if run := d.run(ref); run.Outcome == charm.OK {
		t.Fatal("it reached a private host that nobody has opened to it")
	}
	want := api.Configured{Charm: "s/lights", Timeout: "20s", AllowHosts: []string{host, "10.0.0.1"}, Integration: "home", Priority: -7, Probe: "never"}
	got, err := d.Client.Configure(t.Context(), ref, api.ConfigureRequest{
		Timeout: "20s", AllowHosts: []string{host, "10.0.0.1", host}, Integration: "home", Priority: new(-7), Probe: "never",
	})
	if err != nil || !same(got, want) {
		t.Fatalf("%+v, %v", got, err)
	}
	if shown, err := d.Client.Charm(t.Context(), ref); err != nil || shown.Timeout != "20s" || !slices.Equal(shown.AllowHosts, want.AllowHosts) || shown.Probe != "never" {
		t.Errorf("it shows as %+v, %v", shown, err)
	}
	d.runOK(ref)
	for _, bad := range []api.ConfigureRequest{
		{}, {Timeout: "11m"}, {Timeout: "0"}, {Priority: new(101)}, {Probe: "often"}, {AllowHosts: []string{"http://x/"}}, {Timeout: "1s", RemoveHosts: []string{"10.0.0.2"}},
	} {
		if _, err := d.Client.Configure(t.Context(), ref, bad); charm.ExitCode(err) != charm.ExitUsage && charm.ExitCode(err) != charm.ExitRefused {
			t.Errorf("%+v gives %v", bad, err)
		}
	}
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	d = startDaemon(t, d.Dir, "--max-retries", "0")
	want.AllowHosts, want.Timeout = []string{host}, "default"
	got, err = d.Client.Configure(t.Context(), ref, api.ConfigureRequest{RemoveHosts: []string{"10.0.0.1"}, Timeout: "default"})
	if err != nil || !same(got, want) {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
	d.runOK(ref)
}

func same(a, b api.Configured) bool {
	hosts := slices.Equal(a.AllowHosts, b.AllowHosts)
	a.AllowHosts, b.AllowHosts = nil, nil
	return hosts && a.Charm == b.Charm && a.Timeout == b.Timeout && a.Integration == b.Integration && a.Priority == b.Priority && a.Probe == b.Probe
}
