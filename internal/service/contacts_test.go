package service_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"charmd/internal/charm"
)

// A charm that turns to a host it did not ask when it was made is told of, or has to
// wait for a person's word, which is kept over a restart and is not held against it.
func TestACharmThatTurnsToANewHost(t *testing.T) {
	t.Parallel()
	var stolen atomic.Int32
	url, host := serve(t, func(http.ResponseWriter, *http.Request) {})
	elsewhere, other := serve(t, func(http.ResponseWriter, *http.Request) { stolen.Add(1) })
	source := failing(`return (async () => { await fetch(state.n.get() === 1 ? "` + url + `" : "` + elsewhere + `"); })();`)
	for _, consent := range []string{"warn", "ask"} {
		stolen.Store(0)
		args := []string{"--consent", consent, "--allow-hosts", host + "," + other, "--max-retries", "0"}
		d := startDaemon(t, t.TempDir(), args...)
		ref := d.add(source, "s", "turns", notRegistered)
		d.runOK(ref)
		d.runOK(ref)
		if err := d.Client.SetCell(t.Context(), ref, []string{"n"}, json.RawMessage("2")); err != nil {
			t.Fatal(err)
		}
		const told = "that it has not asked before"
		if strings.Contains(d.Log(), told) {
			t.Errorf("%s: told before it did", consent)
		}
		run := d.run(ref)
		if consent == "warn" {
			if run.Outcome != charm.OK || stolen.Load() != 1 || strings.Count(d.Log(), told) != 1 {
				t.Errorf("warn: %s: %s; told %d times", run.Outcome, run.Error, strings.Count(d.Log(), told))
			}
			continue
		}
		if run.Outcome != charm.Remote || stolen.Load() != 0 || !strings.Contains(run.Error, "charmd contacts") {
			t.Errorf("ask: %s: %s", run.Outcome, run.Error)
		}
		if s := d.show(ref).State; s.TotalFailures != 0 {
			t.Errorf("it was held against the charm: %+v", s)
		}
		if err := d.Stop(); err != nil {
			t.Fatal(err)
		}
		d = startDaemon(t, d.Dir, args...)
		list, err := d.Client.Contacts(t.Context())
		if err != nil || len(list) != 2 || list[0].Charm != "s/turns" {
			t.Fatalf("contacts: %+v, %v", list, err)
		}
		for _, c := range list {
			if want := map[string]string{host: "allowed", other: "asked"}[c.Host]; c.State != want {
				t.Errorf("%+v, want %s", c, want)
			}
		}
		if err := d.Client.AllowContact(t.Context(), ref, other); err != nil {
			t.Fatal(err)
		}
		d.runOK(ref)
		if err := d.Client.AllowContact(t.Context(), ref, "a b"); charm.CodeOf(err) != charm.CodeUsage {
			t.Errorf("a host that is none: %v", err)
		}
	}
}

// A charm whose runs never end well is not tried out for ever: what it asked in
// them is not its own, and in the end it is held.
func TestACharmThatNeverEndsWellIsHeld(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	url, host := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	d := startDaemon(t, t.TempDir(), "--consent", "ask", "--allow-hosts", host, "--max-retries", "0")
	ref := d.add(failing(`return (async () => { await fetch("`+url+`"); throw new Error("so far"); })();`), "s", "throws", notRegistered)
	for range 3 {
		d.run(ref)
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("tried out, it asked %d times", n)
	}
	run := d.run(ref)
	if run.Outcome != charm.Remote || asked.Load() != 3 || !strings.Contains(run.Error, "charmd contacts") {
		t.Errorf("then: %s: %s; it asked %d times", run.Outcome, run.Error, asked.Load())
	}
	list, err := d.Client.Contacts(t.Context())
	if err != nil || len(list) != 1 || list[0].State != "asked" {
		t.Errorf("contacts: %+v, %v", list, err)
	}
	if n := strings.Count(d.Log(), "that it has not asked before"); n != 1 {
		t.Errorf("told %d times", n)
	}
}
