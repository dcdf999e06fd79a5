package egress

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"charmd/internal/charm"
)

// Consent is what happens when a charm asks a host it has not asked before.
type Consent string

// The kinds of Consent. Hosts that a charm meets while it is tried out, and those
// opened to it by name, are never new.
const (
	ConsentOff  Consent = "off"  // nothing
	ConsentWarn Consent = "warn" // it is told once
	ConsentAsk  Consent = "ask"  // the request is refused until a person has allowed the host
)

const (
	mostContacts        = 1 << 16 // remembered
	mostContactsOfCharm = 256     // of them
)

type contactKey struct{ who, host string }

// contacts are the hosts that each charm has asked, so that one whose program or
// data begins to send it elsewhere is noticed.
type contacts struct {
	consent Consent
	told    func(charm.Contact)

	mu      sync.Mutex
	known   map[contactKey]charm.Contact
	of      map[string]int // contacts of each charm
	unsaved map[contactKey]uint64
	changes uint64
}

func newContacts(o Options) *contacts {
	c := &contacts{consent: cmp.Or(o.Consent, ConsentOff), told: o.Contacted, known: map[contactKey]charm.Contact{}, of: map[string]int{}, unsaved: map[contactKey]uint64{}}
	if c.told == nil {
		c.told = func(charm.Contact) {}
	}
	for _, k := range o.Contacts {
		c.known[contactKey{k.Who, k.Host}] = k
		c.of[k.Who]++
	}
	return c
}

// admit notes that a charm is about to ask the host, and reports whether it may.
// In a trial whatever it asks is what it is made for.
func (c *contacts) admit(now time.Time, who caller, host string, trial bool) bool {
	if c.consent == ConsentOff || who.charm == "" {
		return true
	}
	key := contactKey{who.space + "/" + who.charm, host}
	c.mu.Lock()
	k, known := c.known[key]
	allowed := k.Allowed || trial || c.consent == ConsentWarn
	full := c.of[key.who] >= mostContactsOfCharm || len(c.known) >= mostContacts
	if !known && full || known && k.Allowed == allowed {
		c.mu.Unlock()
		return allowed
	}
	if !known {
		k = charm.Contact{Who: key.who, Host: host, Since: now}
		c.of[key.who]++
	}
	k.Allowed = allowed
	c.set(key, k)
	c.mu.Unlock()
	if !known && !trial {
		c.told(k)
	}
	return allowed
}

// set keeps a contact, to be saved; c.mu is held.
func (c *contacts) set(key contactKey, k charm.Contact) {
	c.known[key] = k
	c.changes++
	c.unsaved[key] = c.changes
}

// list is all of them, by charm and host.
func (c *contacts) list() []charm.Contact {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(maps.Values(c.known), func(x, y charm.Contact) int {
		return cmp.Or(cmp.Compare(x.Who, y.Who), cmp.Compare(x.Host, y.Host))
	})
}

// allow lets a charm ask a host from now on.
func (c *contacts) allow(now time.Time, who, host string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := contactKey{who, host}
	k, known := c.known[key]
	if !known {
		k = charm.Contact{Who: who, Host: host, Since: now}
		c.of[who]++
	}
	k.Allowed = true
	c.set(key, k)
}

// save writes what has changed since the last save that got to disk.
func (c *contacts) save(k Keeper) error {
	c.mu.Lock()
	numbers := maps.Clone(c.unsaved)
	changed := make([]charm.Contact, 0, len(numbers))
	for key := range numbers {
		changed = append(changed, c.known[key])
	}
	c.mu.Unlock()
	if len(numbers) == 0 {
		return nil
	}
	for _, contact := range changed {
		if err := k.PutContact(contact); err != nil {
			return err
		}
	}
	k.AfterCommit(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for key, n := range numbers {
			if c.unsaved[key] == n {
				delete(c.unsaved, key)
			}
		}
	})
	return nil
}

// Contacts lists the hosts that charms have asked or want to ask.
func (c *Client) Contacts() []charm.Contact { return c.contacts.list() }

// AllowContact lets a charm, by its space's DID and its id, ask a host from now on.
// The error is a *charm.Error: it is no host.
func (c *Client) AllowContact(space, id, host string) error {
	a, err := parseAllowed(host)
	if err != nil {
		return err
	}
	name := a.host
	if a.port != 0 && a.port != 80 && a.port != 443 {
		name = joinHostPort(a.host, a.port)
	}
	c.contacts.allow(time.Now(), space+"/"+id, name)
	return nil
}
