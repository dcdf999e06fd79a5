package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"charmd/internal/charm"
)

const example = "example.org:443"

var (
	news    = caller{"did:key:home", "news"}
	sibling = caller{"did:key:home", "sibling"}
	foreign = caller{"did:key:elsewhere", "foreign"}
)

// Kinds of ends of a request.
var (
	fine        = evidenceOf(reply(200, 0), nil)
	unreachable = evidenceOf(hop{}, newError(CodeConnect, "example.org", "cannot connect: connection refused"))
	slow        = evidenceOf(hop{}, newError(CodeTimeout, "example.org", "no response headers within 15s"))
	cancelledBy = evidenceOf(hop{}, newError(CodeCanceled, "example.org", "the request was cancelled"))
)

func reply(status int, wait time.Duration) hop {
	return hop{reply: Reply{Status: status}, wait: wait}
}

// failing is a request that the network ends with err.
func failing(err error) evidence {
	t, _ := parseTarget("https://example.org/")
	return evidenceOf(hop{}, new(Client).networkError(context.Background(), t, err))
}

func answered(status int) evidence { return evidenceOf(reply(status, 0), nil) }

// asks is a breaker with a clock.
type asks struct {
	*breaker
	t   *testing.T
	now time.Time
}

func newAsks(t *testing.T) *asks {
	return &asks{newBreaker(nil, time.Time{}), t, time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
}

// ask makes a request that ends with e; false when it is refused.
func (a *asks) ask(c caller, host string, e evidence) bool {
	p, r := a.admit(a.now, host, c)
	if r != nil {
		return false
	}
	a.settle(a.now, p, e)
	return true
}

func (a *asks) asked(c caller, e evidence) {
	a.t.Helper()
	if !a.ask(c, example, e) {
		a.t.Fatalf("at %s %s is refused", a.now.Format(time.TimeOnly), c.charm)
	}
}

func (a *asks) refusedTo(who ...caller) {
	a.t.Helper()
	for _, c := range who {
		if a.refuses(a.now, example, c) == nil {
			a.t.Errorf("at %s %s may ask", a.now.Format(time.TimeOnly), c.charm)
		}
	}
}

func (a *asks) openTo(who ...caller) {
	a.t.Helper()
	for _, c := range who {
		if r := a.refuses(a.now, example, c); r != nil {
			a.t.Errorf("at %s %s is refused: %+v", a.now.Format(time.TimeOnly), c.charm, r)
		}
	}
}

func (a *asks) later(d time.Duration) { a.now = a.now.Add(d) }

// Who is kept from a host by how one charm's requests ended.
func TestFault12_WhoIsHeldOff(t *testing.T) {
	t.Parallel()
	everyone := []caller{news, sibling, foreign}
	for _, c := range []struct {
		name  string
		e     evidence
		times int
		held  []caller
	}{
		{"unreachable twice", unreachable, tolerated, nil},
		{"unreachable", unreachable, tolerated + 1, everyone},
		{"an odd 500", answered(500), tolerated, nil},
		{"500 again and again", answered(500), tolerated + 1, everyone[:1]},
		{"503 that says when", evidenceOf(reply(503, time.Minute), nil), 1, everyone[:2]},
		{"503 that does not", answered(503), tolerated + 1, everyone[:1]},
		{"429 that says when", evidenceOf(reply(429, time.Minute), nil), 1, everyone[:1]},
		{"429 that does not", answered(429), tolerated + 1, everyone[:1]},
		{"slow", slow, tolerated + 1, everyone[:1]},
		{"no name", evidenceOf(hop{}, newError(CodeDNS, "example.org", "there is no such host")), tolerated + 1, everyone},
		{"no TLS", evidenceOf(hop{}, newError(CodeTLS, "example.org", "no secure connection")), tolerated + 1, everyone},
		{"garbage", evidenceOf(hop{}, newError(CodeProtocol, "example.org", "the exchange failed")), tolerated + 1, everyone[:1]},
		{"too large", evidenceOf(hop{}, newError(CodeTooLarge, "example.org", "larger")), 100, nil},
		{"not found", answered(404), 100, nil},
		{"refused by our rules", evidenceOf(hop{}, newError(CodeBlocked, "example.org", "refused")), 100, nil},
		{"cancelled", cancelledBy, 100, nil},
		{"no descriptor left", failing(&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}), 100, nil},
		{"no way there", failing(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}), 100, nil},
		{"a name server that is silent", failing(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), 100, nil},
		{"a name that is not there", failing(&net.DNSError{Err: "no such host", IsNotFound: true}), tolerated + 1, everyone},
		{"nobody listens", failing(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}), tolerated + 1, everyone},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newAsks(t)
			for range c.times {
				a.asked(news, c.e)
			}
			for _, who := range everyone {
				if slices.Contains(c.held, who) {
					a.refusedTo(who)
				} else {
					a.openTo(who)
				}
			}
			if a.refuses(a.now, "example.org:8443", news) != nil || a.refuses(a.now, "example.com:443", news) != nil {
				t.Error("another host is held off too")
			}
			a.later(longestHold)
			a.openTo(everyone...)
		})
	}
}

// A host that is down for a day is asked ever less, but at least every five
// minutes, and the first good answer opens it.
func TestFault12_DownForADay(t *testing.T) {
	t.Parallel()
	a := newAsks(t)
	start := a.now
	var attempts []time.Duration
	for a.now.Sub(start) < 24*time.Hour {
		if a.ask(news, example, unreachable) {
			attempts = append(attempts, a.now.Sub(start))
		}
		a.later(time.Second)
	}
	first := []time.Duration{0, 1, 2, 7, 17, 37, 77, 157, 317, 617, 917}
	for i := range first {
		first[i] *= time.Second
	}
	if diff := cmp.Diff(first, attempts[:len(first)]); diff != "" {
		t.Error(diff)
	}
	for i, at := range attempts[1:] {
		if gap := at - attempts[i]; gap > longestHold {
			t.Errorf("after %v it was not asked for %v", at, gap)
		}
	}
	if n := len(attempts); n > 24*60/5+10 {
		t.Errorf("it was asked %d times in a day", n)
	}
	wait := a.refuses(a.now, example, foreign).Until.Sub(a.now)
	a.later(wait)
	a.asked(foreign, fine)
	a.openTo(news, sibling, foreign)
	a.asked(news, unreachable) // one failure after that is one again
	a.asked(news, unreachable)
	a.openTo(news)
}

func TestHalfOpenLetsOneThrough(t *testing.T) {
	t.Parallel()
	a := newAsks(t)
	for range tolerated + 1 {
		a.asked(news, unreachable)
	}
	a.later(firstHold)
	probe, r := a.admit(a.now, example, news)
	if r != nil {
		t.Fatal(r)
	}
	if r := a.refuses(a.now, example, foreign); r == nil || !r.probing {
		t.Errorf("while one finds out, others get %+v", r)
	}
	a.settle(a.now, probe, cancelledBy) // nobody has found out
	probe, r = a.admit(a.now, example, foreign)
	if r != nil {
		t.Fatal(r)
	}
	if until := a.settle(a.now, probe, unreachable); until.Sub(a.now) != 2*firstHold {
		t.Errorf("after the failure it waits %v", until.Sub(a.now))
	}
	a.refusedTo(news, foreign)
}

func TestRequestsUnderWay(t *testing.T) {
	t.Parallel()
	a := newAsks(t)
	var passes []*pass
	for range 7 {
		p, r := a.admit(a.now, example, news)
		if r != nil {
			t.Fatal(r)
		}
		passes = append(passes, p)
	}
	for _, p := range passes[:5] {
		a.settle(a.now, p, answered(500))
	}
	if r := a.refuses(a.now, example, news); r == nil || r.Until.Sub(a.now) != firstHold {
		t.Errorf("five that failed together count more than the first three: %+v", r)
	}
	a.settle(a.now, passes[5], fine)
	a.refusedTo(news) // that one had been sent before it failed
	a.settle(a.now, passes[6], evidenceOf(reply(429, time.Hour), nil))
	if r := a.refuses(a.now, example, news); r == nil || r.Until.Sub(a.now) != time.Hour {
		t.Errorf("a late Retry-After is not heard: %+v", r)
	}
}

func TestTheLongestWaitCounts(t *testing.T) {
	t.Parallel()
	a := newAsks(t)
	a.asked(news, evidenceOf(reply(429, time.Hour), nil))
	a.asked(sibling, evidenceOf(reply(503, time.Minute), nil))
	if r := a.refuses(a.now, example, news); r == nil || r.Until.Sub(a.now) != time.Hour {
		t.Errorf("news is refused as %+v", r)
	}
	a.later(time.Minute)
	a.refusedTo(news)
	a.asked(sibling, fine)
	a.refusedTo(news)
	a.later(time.Hour)
	a.asked(news, evidenceOf(reply(429, 48*time.Hour), nil))
	if r := a.refuses(a.now, example, news); r.Until.Sub(a.now) != longestAsked {
		t.Errorf("two days become %v", r.Until.Sub(a.now))
	}
}

// shelf is a Keeper that may fail.
type shelf struct {
	rows     map[circuitKey]charm.Host
	contacts []charm.Contact
	writes   int
	broken   error
	after    []func()
}

func (s *shelf) PutHost(h charm.Host) error {
	s.writes++
	s.rows[circuitKey{h.Name, h.Who}] = h
	return s.broken
}

func (s *shelf) DeleteHost(name, who string) error {
	s.writes++
	delete(s.rows, circuitKey{name, who})
	return s.broken
}

func (s *shelf) PutContact(c charm.Contact) error {
	s.contacts = append(s.contacts, c)
	return s.broken
}

func (s *shelf) AfterCommit(fn func()) { s.after = append(s.after, fn) }

func (s *shelf) commit() {
	for _, fn := range s.after {
		fn()
	}
	s.after = nil
}

func (s *shelf) list() (list []charm.Host) {
	for _, h := range s.rows {
		list = append(list, h)
	}
	return list
}

func TestHostsAreKeptOverRestarts(t *testing.T) {
	t.Parallel()
	a := newAsks(t)
	disk := &shelf{rows: map[circuitKey]charm.Host{}}
	save := func(want int) {
		t.Helper()
		before := disk.writes
		if err := a.save(disk); err != disk.broken && !(err == nil && want == 0) {
			t.Fatal(err)
		}
		if got := disk.writes - before; got != want {
			t.Fatalf("%d writes, want %d", got, want)
		}
	}
	a.asked(news, answered(500))
	save(0) // a failure that has no effect is not written
	a.asked(news, evidenceOf(reply(503, time.Hour), nil))
	for range tolerated + 2 {
		a.ask(news, "down.example:80", unreachable)
	}
	disk.broken = errors.New("disk full")
	if err := a.save(disk); err == nil {
		t.Fatal("the failure was not told")
	}
	disk.broken = nil
	save(2)
	save(2) // of a transaction that did not get to disk, say
	disk.commit()
	save(0)

	again := &asks{newBreaker(disk.list(), a.now), t, a.now}
	again.refusedTo(news, sibling)
	again.openTo(foreign)
	if diff := cmp.Diff(a.held(a.now), again.held(again.now), cmpopts.EquateApproxTime(time.Millisecond)); diff != "" {
		t.Error(diff)
	}
	again.later(time.Hour + time.Millisecond)
	again.asked(news, fine)
	again.ask(foreign, "down.example:80", fine)
	if err := again.save(disk); err != nil || len(disk.rows) != 0 {
		t.Errorf("after good answers %+v are kept, %v", disk.rows, err)
	}
}

func TestOldHostsAreForgotten(t *testing.T) {
	t.Parallel()
	a := newAsks(t)
	old := charm.Host{Name: "old.example:80", Failures: 9, Since: a.now.Add(-9 * time.Hour), Until: a.now.Add(-2 * forgetAfter)}
	ahead := charm.Host{Name: "ahead.example:80", Failures: 1, Since: a.now, Until: a.now.Add(90 * 24 * time.Hour)}
	a.breaker = newBreaker([]charm.Host{old, ahead}, a.now)
	if list := a.held(a.now); len(list) != 1 || list[0].Until.Sub(a.now) != longestAsked {
		t.Errorf("it goes on with %+v", list)
	}
	disk := &shelf{rows: map[circuitKey]charm.Host{{old.Name, ""}: old}}
	if err := a.save(disk); err != nil || len(disk.rows) != 0 {
		t.Errorf("%+v are kept, %v", disk.rows, err)
	}
	for range tolerated {
		a.asked(news, unreachable)
	}
	a.later(forgetAfter + time.Second)
	a.asked(news, unreachable) // the first of a new row
	a.openTo(news)
}

func TestMemoryOfHostsIsBounded(t *testing.T) {
	t.Parallel()
	a := newAsks(t)
	a.asked(news, evidenceOf(reply(503, time.Hour), nil))
	for i := range 3 * mostCircuits {
		host := fmt.Sprintf("h%d.example:80", i)
		for range i%(tolerated+1) + 1 {
			a.ask(one(i), host, unreachable)
		}
	}
	if n := len(a.circuits); n > mostCircuits {
		t.Errorf("%d hosts are remembered", n)
	}
	a.refusedTo(news)
	a.later(2*forgetAfter + time.Second)
	for i := range mostCircuits {
		a.ask(one(i), fmt.Sprintf("fresh%d.example:80", i), unreachable)
	}
	if a.circuits[circuitKey{example, news.space}] != nil {
		t.Error("it is remembered when its time is long over")
	}
}

// one is one of many charms.
func one(i int) caller { return caller{foreign.space, fmt.Sprint("foreign", i%1000)} }

func TestACharmMakesOnlyItsOwnHostsBeForgotten(t *testing.T) {
	t.Parallel()
	a := newAsks(t)
	for range tolerated + 1 {
		a.asked(news, unreachable)
	}
	a.later(time.Millisecond)
	host := func(i int) string { return fmt.Sprintf("h%d.example:80", i) }
	for i := range 2 * mostCircuits {
		a.ask(foreign, host(i), answered(500))
		a.later(time.Microsecond)
	}
	a.refusedTo(news)
	if n := len(a.circuits); n != mostOfCharm+1 {
		t.Errorf("%d hosts are remembered", n)
	}
	oldest := circuitKey{host(2*mostCircuits - mostOfCharm), foreign.space + "/" + foreign.charm}
	if a.circuits[oldest] == nil {
		t.Error("it was not its oldest that were forgotten")
	}
	a.reset(func(string) bool { return true })
	if len(a.begun) != 0 {
		t.Errorf("of none that are left, these were begun: %v", a.begun)
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	a := newAsks(t)
	a.asked(news, evidenceOf(reply(503, time.Hour), nil))
	if n := a.reset(func(host string) bool { return host == example }); n != 1 {
		t.Errorf("%d were reset", n)
	}
	a.openTo(news)
	if n := a.reset(func(string) bool { return true }); n != 0 {
		t.Errorf("%d were reset again", n)
	}
}
