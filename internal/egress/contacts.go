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

// The kinds of Consent. Hosts that a charm met in a trial that ended well, and those
// opened to it by name, are not new.
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

// Trial is one run in which a charm is tried out: it may ask any host, and once the
// run has ended well it may go on asking those (Client.SaveHosts). One trial is of
// one charm; it is safe for concurrent use.
type Trial struct{ met map[contactKey]bool } // guarded by the mutex of contacts

// NewTrial is a trial in which nothing was asked yet.
func NewTrial() *Trial { return &Trial{met: map[contactKey]bool{}} }

// contacts are the hosts that each charm has asked, so that one whose program or
// data begins to send it elsewhere is noticed.
type contacts struct {
	consent Consent
	told    func(charm.Contact)

	mu      sync.Mutex
	known   map[contactKey]charm.Contact
	of      map[string]int      // contacts of each charm
	said    map[contactKey]bool // it was told of those that wait, since the start
	unsaved map[contactKey]uint64
	changes uint64
}

func newContacts(o Options) *contacts {
	c := &contacts{consent: cmp.Or(o.Consent, ConsentOff), told: o.Contacted, known: map[contactKey]charm.Contact{}, of: map[string]int{}, said: map[contactKey]bool{}, unsaved: map[contactKey]uint64{}}
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
// In a trial, nil for none, whatever it asks is what it is made for; the host is its
// own when that has ended well.
func (c *contacts) admit(now time.Time, who caller, host string, trial *Trial) bool {
	if c.consent == ConsentOff || who.charm == "" {
		return true
	}
	key := contactKey{who.space + "/" + who.charm, host}
	c.mu.Lock()
	k, tell := c.meet(now, key, trial)
	c.mu.Unlock()
	if tell {
		c.told(k)
	}
	return k.Allowed || trial != nil
}

// meet is the contact as it stands now that the host is asked, and whether people
// are to be told; c.mu is held.
func (c *contacts) meet(now time.Time, key contactKey, trial *Trial) (k charm.Contact, tell bool) {
	k, known := c.known[key]
	if k.Allowed {
		return k, false
	}
	allowed := trial == nil && c.consent == ConsentWarn
	if !known {
		k = charm.Contact{Who: key.who, Host: key.host, Since: now}
		if c.of[key.who] >= mostContactsOfCharm || len(c.known) >= mostContacts {
			k.Allowed = allowed
			return k, false
		}
		c.of[key.who]++
	}
	if !known || allowed {
		k.Allowed = allowed
		c.set(key, k)
	}
	if trial != nil {
		trial.met[key] = true
		return k, false
	}
	tell = !c.said[key]
	if c.said[key] = true; allowed {
		delete(c.said, key) // it is never told of again
	}
	return k, tell
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

// save writes what has changed since the last save that got to disk, and with it
// that the hosts of a trial, nil for none, are allowed from now on.
func (c *contacts) save(k Keeper, passed *Trial) error {
	c.mu.Lock()
	numbers := maps.Clone(c.unsaved)
	var met map[contactKey]bool
	if passed != nil {
		met = maps.Clone(passed.met)
	}
	changed := make([]charm.Contact, 0, len(numbers)+len(met))
	for key := range met {
		contact := c.known[key]
		contact.Allowed = true
		changed = append(changed, contact)
	}
	for key := range numbers {
		if !met[key] {
			changed = append(changed, c.known[key])
		}
	}
	c.mu.Unlock()
	if len(changed) == 0 {
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
		for key := range met {
			contact := c.known[key]
			contact.Allowed = true
			c.known[key] = contact
		}
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
	c.contacts.allow(c.now(), space+"/"+id, name)
	return nil
}
