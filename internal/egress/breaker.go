package egress

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"charmd/internal/charm"
)

// The breaker keeps requests from hosts that ask to be left alone or that fail
// again and again. What it learns from a request holds only for those who cannot
// have been wronged by it:
//
//   - No name, no connection, no TLS: no request brings that about, so it holds
//     for everybody, unless it may be this machine that has no way there.
//   - A 5xx with Retry-After: the host speaks of itself, but a request may have
//     made it say so. It holds for the space of the charm, whose charms trust each
//     other.
//   - Everything else (429, which is as a rule about one account; another 5xx; no
//     valid HTTP; nothing in time) holds for the charm alone.
//
// A 404 is a good answer: somebody is there.
//
// Retry-After is honoured as it stands, up to longestAsked. Without it the
// tolerated failures in a row have no effect, the next one keeps the host from
// being asked for firstHold, each further one twice as long, up to longestHold.
// When the time is over, one request is let through: its success forgets
// everything, its failure begins the next wait.
const (
	tolerated    = 2
	firstHold    = 5 * time.Second
	longestHold  = 5 * time.Minute
	longestAsked = 24 * time.Hour

	mostCircuits = 4096      // remembered at once
	mostOfCharm  = 64        // of them, so that no charm makes the others' be forgotten
	forgetAfter  = time.Hour // since the last failure or the end of the wait
)

// caller is who asks: a charm by its id and its space's DID.
type caller struct{ space, charm string }

// The scopes of what is learnt, as indexes.
const (
	everybody = iota
	inSpace
	ofCharm
	scopes
)

// circuitKey names a circuit: the host, and who is kept from it as in charm.Host.
type circuitKey struct{ host, who string }

func keysOf(host string, c caller) [scopes]circuitKey {
	return [scopes]circuitKey{{host, ""}, {host, c.space}, {host, c.space + "/" + c.charm}}
}

// circuit is what is known of a host in one scope. It is open, and lets nobody
// through, until Until, and after that half open, until a request has succeeded.
// One that never opened only counts failures; its Until is zero.
type circuit struct {
	charm.Host
	by      string    // the charm whose request began it; "" after a restart
	last    time.Time // failure
	probing bool      // the one request of a half-open circuit is under way
}

func (c *circuit) tripped() bool { return !c.Until.IsZero() }

func (c *circuit) stale(now time.Time) bool {
	latest := c.last
	if c.Until.After(latest) {
		latest = c.Until
	}
	return !c.probing && now.After(latest.Add(forgetAfter))
}

// breaker holds all circuits. It reads no clock. It is safe for concurrent use.
type breaker struct {
	mu       sync.Mutex
	circuits map[circuitKey]*circuit
	begun    map[string]int     // how many of them, by circuit.by
	unsaved  map[circuitKey]int // the number of the last change
	changes  int
}

// newBreaker goes on with the hosts that were kept from an earlier start.
func newBreaker(hosts []charm.Host, now time.Time) *breaker {
	b := &breaker{circuits: map[circuitKey]*circuit{}, begun: map[string]int{}, unsaved: map[circuitKey]int{}}
	for _, h := range hosts {
		key := circuitKey{h.Name, h.Who}
		if limit := now.Add(longestAsked); h.Until.After(limit) { // the clock was ahead
			h.Until = limit
		}
		if c := (&circuit{Host: h, last: h.Since}); !c.stale(now) && len(b.circuits) < mostCircuits {
			b.circuits[key] = c
		} else {
			b.change(key)
		}
	}
	return b
}

// change notes that key is to be written. b.mu is held, or b is new.
func (b *breaker) change(key circuitKey) {
	b.changes++
	b.unsaved[key] = b.changes
}

// refusal says why a request is not made.
type refusal struct {
	charm.Host
	probing bool // it is being found out whether the host is back
}

// refuses is the reason for which c may not ask the host now, the one that lasts
// longest; nil when there is none.
func (b *breaker) refuses(now time.Time, host string, c caller) *refusal {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused(now, keysOf(host, c))
}

func (b *breaker) refused(now time.Time, keys [scopes]circuitKey) (r *refusal) {
	for _, key := range keys {
		c := b.circuits[key]
		if c == nil || !c.tripped() || !(c.probing || now.Before(c.Until)) {
			continue
		}
		if r == nil || c.Until.After(r.Until) {
			r = &refusal{c.Host, !now.Before(c.Until)}
		}
	}
	return r
}

// pass lets one request through. It must be settled.
type pass struct {
	keys  [scopes]circuitKey
	probe [scopes]bool // it is the one request of a half-open circuit
}

// admit lets c ask the host, or says why not.
func (b *breaker) admit(now time.Time, host string, c caller) (*pass, *refusal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &pass{keys: keysOf(host, c)}
	if r := b.refused(now, p.keys); r != nil {
		return nil, r
	}
	for i, key := range p.keys {
		if c := b.circuits[key]; c != nil && c.tripped() {
			c.probing, p.probe[i] = true, true
		}
	}
	return p, nil
}

// settle learns from how the request of p ended. The time is the one before
// which the caller need not ask again, zero when it may.
func (b *breaker) settle(now time.Time, p *pass, e evidence) (notBefore time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, key := range p.keys {
		c := b.circuits[key]
		if c != nil && p.probe[i] {
			c.probing = false
		}
		switch {
		case e.of[i] == failed:
			b.fail(now, key, p.keys[ofCharm].who, p.probe[i], e)
		case e.of[i] == alive && c != nil && (p.probe[i] || !c.tripped()):
			b.forget(key)
		}
	}
	if r := b.refused(now, p.keys); r != nil {
		notBefore = r.Until
	}
	return notBefore
}

// fail counts one more failure, of a request of by's. Of a circuit that has opened meanwhile, a request
// that was under way says nothing new, unless the host asks for more time.
func (b *breaker) fail(now time.Time, key circuitKey, by string, probe bool, e evidence) {
	c := b.circuits[key]
	if c != nil && c.stale(now) {
		b.forget(key)
		c = nil
	}
	if c == nil {
		b.makeRoom(now, by)
		c = &circuit{Host: charm.Host{Name: key.host, Who: key.who, Since: now}, by: by}
		b.circuits[key] = c
		b.begun[by]++
	}
	until := now.Add(min(e.wait, longestAsked))
	if c.tripped() && !probe && !(e.wait > 0 && until.After(c.Until)) {
		return
	}
	c.Failures++
	c.Reason, c.last = e.reason, now
	if e.wait <= 0 {
		if !c.tripped() && c.Failures <= tolerated {
			return
		}
		until = now.Add(holdAfter(c.Failures))
	}
	c.Until = until
	b.change(key)
}

// holdAfter is how long a host is not asked after so many failures in a row.
func holdAfter(failures int) time.Duration {
	hold := firstHold
	for n := tolerated + 1; n < failures && hold < longestHold; n++ {
		hold *= 2
	}
	return min(hold, longestHold)
}

// forget drops a circuit. b.mu is held.
func (b *breaker) forget(key circuitKey) {
	c := b.circuits[key]
	if c.tripped() {
		b.change(key)
	}
	delete(b.circuits, key)
	if b.begun[c.by]--; b.begun[c.by] <= 0 {
		delete(b.begun, c.by)
	}
}

// makeRoom makes a place for one more circuit that the charm by begins. When all
// places are taken, what is stale is forgotten first; and it makes much room at
// once, because finding it takes long.
func (b *breaker) makeRoom(now time.Time, by string) {
	if b.begun[by] >= mostOfCharm {
		b.forgetLeast(1, func(c *circuit) bool { return c.by == by })
	}
	if len(b.circuits) < mostCircuits {
		return
	}
	for key, c := range b.circuits {
		if c.stale(now) {
			b.forget(key)
		}
	}
	if len(b.circuits) >= mostCircuits {
		b.forgetLeast(mostCircuits/4, func(*circuit) bool { return true })
	}
}

// forgetLeast forgets the n of some circuits that matter least: first what only
// counts, then what is asked again soonest.
func (b *breaker) forgetLeast(n int, is func(*circuit) bool) {
	var keys []circuitKey
	for key, c := range b.circuits {
		if is(c) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(x, y circuitKey) int {
		a, z := b.circuits[x], b.circuits[y]
		return cmp.Or(a.Until.Compare(z.Until), a.last.Compare(z.last))
	})
	for _, key := range keys[:n] {
		b.forget(key)
	}
}

// held lists the open and half-open circuits, by name.
func (b *breaker) held(now time.Time) []charm.Host {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []charm.Host
	for _, c := range b.circuits {
		if c.tripped() && !c.stale(now) {
			list = append(list, c.Host)
		}
	}
	slices.SortFunc(list, func(x, y charm.Host) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Who, y.Who))
	})
	return list
}

// reset forgets all of the hosts for which is answers true; it reports how many
// circuits had opened.
func (b *breaker) reset(is func(host string) bool) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, c := range b.circuits {
		if is(key.host) {
			if c.tripped() {
				n++
			}
			b.forget(key)
		}
	}
	return n
}

// storable is t such that it is not before t when a store has cut it to
// milliseconds.
func storable(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(time.Millisecond - 1)
}

// Keeper is where hosts are kept over restarts: a transaction of the store.
type Keeper interface {
	PutHost(h charm.Host) error
	DeleteHost(name, who string) error
	PutContact(c charm.Contact) error
	AfterCommit(fn func())
}

// save writes what has changed since the last save that got to disk.
func (b *breaker) save(k Keeper) error {
	b.mu.Lock()
	numbers := maps.Clone(b.unsaved)
	changed := make(map[circuitKey]charm.Host, len(numbers))
	for key := range numbers {
		if c := b.circuits[key]; c != nil {
			changed[key] = c.Host
		}
	}
	b.mu.Unlock()
	if len(numbers) == 0 {
		return nil
	}
	for key := range numbers {
		var err error
		if h, there := changed[key]; there {
			h.Until = storable(h.Until)
			err = k.PutHost(h)
		} else {
			err = k.DeleteHost(key.host, key.who)
		}
		if err != nil {
			return err
		}
	}
	k.AfterCommit(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for key, n := range numbers {
			if b.unsaved[key] == n {
				delete(b.unsaved, key)
			}
		}
	})
	return nil
}
