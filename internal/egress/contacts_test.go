package egress

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"charmd/internal/charm"
)

// A charm may ask what it asked while it was tried out; any other host is told of
// once, and waits for a person where that is wanted. A redirect is no way around.
func TestHostsThatAreNewToACharm(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	_, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "http://new.test:"+r.URL.RawQuery+"/", http.StatusFound)
		}
	})
	names := startNameServer(t, map[string][]string{"old.test": {publicIP}, "new.test": {publicIP}, "other.test": {publicIP}, "open.test": {publicIP}})
	at := func(host string) string { return "http://" + host + ":" + itoa(port) + "/" }
	opened := "open.test:" + itoa(port)
	for _, c := range []struct {
		consent     Consent
		new, moved  Code // of a request to new.test, and of one that is sent there
		told, asked int
	}{
		{ConsentOff, "", "", 0, 0},
		{ConsentWarn, "", "", 1, 0},
		{ConsentAsk, CodeConsent, CodeConsent, 1, 1},
	} {
		t.Run(string(c.consent), func(t *testing.T) {
			var told []charm.Contact
			client := clientFor(t, Options{Resolver: names.resolver(), Consent: c.consent, Contacted: func(k charm.Contact) { told = append(told, k) }}, port)
			me := Policy{Space: "did:key:z6MkMe", Charm: "baedreime", AllowHosts: []string{opened}}
			trial := me
			trial.Trial = NewTrial()
			ask := func(p Policy, url string, want Code) {
				t.Helper()
				before := hits.Load()
				_, entry, err := client.Do(t.Context(), p, Request{URL: url})
				if want != "" {
					wantCode(t, err, entry, want)
					if entry.Address != "" && entry.Via == nil || hits.Load()-before > int32(len(entry.Via)) {
						t.Errorf("%s was reached: %+v", url, entry)
					}
				} else if err != nil {
					t.Fatal(err)
				}
			}
			ask(trial, at("old.test"), "")
			if list := client.Contacts(); c.consent != ConsentOff && (len(list) != 1 || list[0].Allowed) {
				t.Errorf("while it is tried out: %+v", list)
			}
			kept := &shelf{}
			if err := client.SaveHosts(kept, trial.Trial); err != nil {
				t.Fatal(err)
			}
			kept.commit()
			ask(me, at("old.test"), "")
			ask(me, at("open.test"), "")                                                   // a person has opened it by name
			ask(Policy{Space: "charmd", Charm: "oauth/x", Ours: true}, at("new.test"), "") // no charm's doing
			ask(me, at("new.test"), c.new)
			ask(me, at("new.test"), c.new)
			ask(me, at("old.test")+"moved?"+itoa(port), c.moved)
			ask(Policy{Space: me.Space, Charm: "another", Trial: NewTrial()}, at("new.test"), "") // which opens nothing to me
			ask(me, at("new.test"), c.new)
			if len(told) != c.told {
				t.Errorf("told of %v", told)
			}
			waits := func(k charm.Contact) bool { return k.Allowed }
			waiting := slices.DeleteFunc(client.Contacts(), waits)
			if n := len(slices.DeleteFunc(waiting, func(k charm.Contact) bool { return k.Who != me.Space+"/"+me.Charm })); n != c.asked {
				t.Errorf("%d hosts wait: %+v", n, client.Contacts())
			}
			if err := client.AllowContact(me.Space, me.Charm, "NEW.test:"+itoa(port)); err != nil {
				t.Fatal(err)
			}
			ask(me, at("new.test"), "")
			ask(me, at("old.test")+"moved?"+itoa(port), "")
			if err := client.AllowContact(me.Space, me.Charm, "http://new.test/"); charm.CodeOf(err) != charm.CodeUsage {
				t.Errorf("a URL is taken for a host: %v", err)
			}
		})
	}
}

// What is known is kept over restarts, each change written once.
func TestContactsAreKeptOverRestarts(t *testing.T) {
	t.Parallel()
	client := clientFor(t, Options{Consent: ConsentAsk})
	now := time.Unix(1e9, 0)
	mine := caller{"did:key:z6MkMe", "baedreime"}
	trial := NewTrial()
	if !client.contacts.admit(now, mine, "a.example", trial) || client.contacts.admit(now, mine, "b.example", nil) {
		t.Fatal("the wrong hosts are let through")
	}
	kept := &shelf{broken: errors.New("the disk is full")}
	if err := client.SaveHosts(kept, trial); !errors.Is(err, kept.broken) {
		t.Errorf("saved with %v", err)
	}
	if client.contacts.admit(now, mine, "a.example", nil) {
		t.Error("what did not get to disk counts")
	}
	kept = &shelf{}
	for range 2 {
		if err := client.SaveHosts(kept, trial); err != nil {
			t.Fatal(err)
		}
		kept.commit()
		trial = nil
	}
	if len(kept.contacts) != 2 {
		t.Errorf("written: %+v", kept.contacts)
	}
	again := clientFor(t, Options{Consent: ConsentAsk, Contacts: kept.contacts})
	if !again.contacts.admit(now, mine, "a.example", nil) || again.contacts.admit(now, mine, "b.example", nil) {
		t.Error("after a restart other hosts are let through")
	}
	if err := again.SaveHosts(kept, nil); err != nil || len(kept.contacts) != 2 {
		t.Errorf("what had not changed was written: %v, %+v", err, kept.contacts)
	}
}

// A trial that does not end well opens no host for later, and what it met is new
// once it is asked outside of one.
func TestAFailedTrialOpensNothing(t *testing.T) {
	t.Parallel()
	now, mine := time.Unix(1e9, 0), caller{"did:key:z6MkMe", "baedreime"}
	for _, consent := range []Consent{ConsentWarn, ConsentAsk} {
		told := 0
		client := clientFor(t, Options{Consent: consent, Contacted: func(charm.Contact) { told++ }})
		kept := &shelf{}
		for range 2 {
			if !client.contacts.admit(now, mine, "a.example", NewTrial()) {
				t.Fatal("a trial is held back")
			}
			if err := client.SaveHosts(kept, nil); err != nil {
				t.Fatal(err)
			}
			kept.commit()
		}
		if told != 0 || len(kept.contacts) != 1 || kept.contacts[0].Allowed {
			t.Errorf("%s: told %d times, written %+v", consent, told, kept.contacts)
		}
		for range 2 {
			if client.contacts.admit(now, mine, "a.example", nil) != (consent == ConsentWarn) {
				t.Errorf("%s: after it the host is asked", consent)
			}
		}
		if told != 1 {
			t.Errorf("%s: told %d times", consent, told)
		}
	}
}

// A charm that asks for ever new hosts takes no memory for ever.
func TestContactsAreBounded(t *testing.T) {
	t.Parallel()
	for _, consent := range []Consent{ConsentWarn, ConsentAsk} {
		told := 0
		c := newContacts(Options{Consent: consent, Contacted: func(charm.Contact) { told++ }})
		for n := range 2 * mostContactsOfCharm {
			if got := c.admit(time.Unix(1e9, 0), caller{"s", "c"}, fmt.Sprint(n, ".example"), nil); got != (consent == ConsentWarn) {
				t.Fatalf("%s: host %d: %v", consent, n, got)
			}
		}
		if len(c.list()) != mostContactsOfCharm || told != mostContactsOfCharm {
			t.Errorf("%s: %d are kept, %d were told of", consent, len(c.list()), told)
		}
		if !c.admit(time.Unix(1e9, 0), caller{"s", "other"}, "a.example", NewTrial()) || len(c.list()) != mostContactsOfCharm+1 {
			t.Errorf("%s: another charm finds no room", consent)
		}
	}
}
