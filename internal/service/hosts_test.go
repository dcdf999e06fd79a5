package service_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
)

// source is a server that answers with a feed, and before that so many times
// with something else. It remembers when it was asked.
type source struct {
	mu     sync.Mutex
	before int
	status int
	header func(now time.Time) (retryAfter string)
	asked  []time.Time
}

func (s *source) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.asked = append(s.asked, now)
	if len(s.asked) > s.before {
		_, _ = w.Write([]byte(rss2(1)))
		return
	}
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	w.Header().Set("Retry-After", s.header(now))
	w.WriteHeader(s.status)
}

func (s *source) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// addFeed adds a charm that reads the feed at url.
func (d *daemon) addFeed(space, name, url, host string, change ...func(*api.AddRequest)) client.Ref {
	d.t.Helper()
	change = append(change, allow(host), argument(`{"settings":{"feedUrl":%q,"limit":10}}`, url))
	return d.add(charms.Source("rss.tsx"), space, name, change...)
}

func (d *daemon) hosts() []api.Host {
	d.t.Helper()
	list, err := d.Client.Hosts(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

const asked = 3 * time.Second // to wait, by servers

func inSeconds(time.Time) string { return fmt.Sprint(int(asked.Seconds())) }

func asTime(now time.Time) string { return now.UTC().Add(asked).Format(http.TimeFormat) }

func TestFault12_RetryAfterIsHonouredOverRestarts(t *testing.T) {
	t.Parallel()
	for _, how := range []struct {
		name string
		args []string
		end  func(*daemon) error
	}{
		{"killed", nil, func(d *daemon) error { d.Kill(); return nil }},
		{"stopped, no retries", []string{"--max-retries", "0"}, func(d *daemon) error { return d.Stop() }},
	} {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			// With so few failures allowed, one that counts would disable the charm.
			args := append([]string{"--failures", "1"}, how.args...)
			d := startDaemon(t, dir, args...)
			beside := &source{}
			besideURL, besideHost := serve(t, beside.ServeHTTP)
			bystander := d.addFeed("feeds", "beside", besideURL, besideHost, every(time.Second))
			sources := map[client.Ref]*source{}
			for name, s := range map[string]*source{
				"busy-seconds":     {status: 429, header: inSeconds},
				"busy-time":        {status: 429, header: asTime},
				"closed-seconds":   {status: 503, header: inSeconds},
				"closed-time":      {status: 503, header: asTime},
				"closed-otherwise": {status: 502, header: inSeconds},
			} {
				s.before = 1
				url, host := serve(t, s.ServeHTTP)
				sources[d.addFeed("feeds", name, url, host, every(time.Second))] = s
			}
			for ref := range sources {
				c := d.await(ref, "its host asked for time", 30*time.Second, func(c api.Charm) bool { return c.State.LastOutcome == charm.Remote })
				if how.args != nil && (c.NextRun == nil || c.NextRun.Before(sources[ref].times()[0].Add(asked))) {
					t.Errorf("%s runs again at %v", c.Name, c.NextRun)
				}
			}
			seen := len(beside.times())
			d.await(bystander, "the other host is asked meanwhile", 30*time.Second, func(api.Charm) bool { return len(beside.times()) > seen })
			if err := how.end(d); err != nil {
				t.Fatal(err)
			}
			d = startDaemon(t, dir, args...)
			for ref, s := range sources {
				c := d.await(ref, "it goes on by itself", 30*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > 0 })
				at := s.times()
				if gap := at[1].Sub(at[0]); gap < asked {
					t.Errorf("%s asked again after %v", c.Name, gap)
				}
				if c.State.TotalFailures != 0 || c.State.Disabled {
					t.Errorf("%s stands as %+v", c.Name, c.State)
				}
				if !slices.ContainsFunc(beside.times(), func(b time.Time) bool { return b.After(at[0]) && b.Before(at[1]) }) {
					t.Errorf("while %s waited, the other host was not asked", c.Name)
				}
			}
			if c := d.show(bystander); c.State.TotalFailures != 0 || c.State.LastOutcome != charm.OK {
				t.Errorf("the charm of the other host stands as %+v", c.State)
			}
			if list := d.hosts(); len(list) != 0 {
				t.Errorf("after all has gone well, these are held off: %+v", list)
			}
		})
	}
}

// A host's words to one charm hold for its space when they are of the host
// itself, and for itself when they are of it.
func TestFault12_WhoWaitsForAHost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := startDaemon(t, dir)
	hour := func(time.Time) string { return "3600" }
	closed, busy := &source{before: 1, status: 503, header: hour}, &source{before: 1, status: 429, header: hour}
	closedURL, closedHost := serve(t, closed.ServeHTTP)
	busyURL, busyHost := serve(t, busy.ServeHTTP)
	first := d.addFeed("home", "first", closedURL, closedHost, notRegistered)
	sibling := d.addFeed("home", "sibling", closedURL, closedHost, notRegistered)
	foreign := d.addFeed("elsewhere", "foreign", closedURL, closedHost, notRegistered)
	limited := d.addFeed("home", "limited", busyURL, busyHost, notRegistered)
	other := d.addFeed("home", "other", busyURL, busyHost, notRegistered)

	for _, ref := range []client.Ref{first, first, sibling, limited, limited} {
		if r := d.run(ref); r.Outcome != charm.Remote {
			t.Errorf("%s ended as %s: %s", r.Charm, r.Outcome, r.Error)
		}
	}
	d.runOK(other)
	careful := d.add(failing(`return fetch("`+closedURL+`").then(() => state.n.set(2), () => state.n.set(3));`), "home", "careful", allow(closedHost), every(time.Second))
	d.await(careful, "what catches the failure goes on as it likes", 30*time.Second, func(c api.Charm) bool {
		return c.State.TotalSuccesses >= 3 && result[struct{ N int }](t, c).N == 3 && c.NextRun != nil && time.Until(*c.NextRun) < 2*time.Second
	})
	if n := len(closed.times()); n != 1 {
		t.Errorf("the closed host was asked %d times", n)
	}
	want := func() {
		t.Helper()
		list := d.hosts()
		if len(list) != 2 {
			t.Fatalf("held off are %+v", list)
		}
		for _, h := range list {
			who, wait := "home", time.Until(h.Until)
			if h.Host == busyHost {
				who = "home/limited"
			}
			if h.For != who || h.State != "open" || h.Failures != 1 || wait < 50*time.Minute || wait > time.Hour {
				t.Errorf("it is held off as %+v", h)
			}
		}
	}
	want()
	d.runOK(foreign)
	d.Kill()
	d = startDaemon(t, dir)
	want()
	if r := d.run(first); r.Outcome != charm.Remote {
		t.Errorf("after a restart it ended as %s", r.Outcome)
	}
	if err := d.Client.ResetHost(t.Context(), closedHost); err != nil {
		t.Fatal(err)
	}
	d.Kill()
	d = startDaemon(t, dir)
	d.runOK(first)
	if err := d.Client.ResetHost(t.Context(), closedHost); charm.CodeOf(err) != charm.CodeNotFound {
		t.Errorf("reset again: %v", err)
	}
}

func TestFault12_AHostThatWasDown(t *testing.T) {
	t.Parallel()
	host := reserve(t)
	d := startDaemon(t, t.TempDir(), "--failures", "1")
	ref := d.addFeed("feeds", "down", "http://"+host, host, every(time.Second))
	d.await(ref, "its host is held off", 30*time.Second, func(api.Charm) bool { return len(d.hosts()) == 1 })
	if h := d.hosts()[0]; h.Host != host || h.For != "" || h.State != "open" && time.Now().Before(h.Until) || h.Failures < 3 {
		t.Errorf("it is held off as %+v", h)
	}
	serveAt(t, host, &source{})
	c := d.await(ref, "it recovers by itself", 30*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses > 0 })
	if c.State.TotalFailures != 0 || c.State.Disabled || len(d.hosts()) != 0 {
		t.Errorf("it stands as %+v, held off are %+v", c.State, d.hosts())
	}
}
