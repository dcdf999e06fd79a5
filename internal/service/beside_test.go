package service_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/client"
	"charmd/internal/process"
)

// pair is a toolshed alone and a service beside it, which reaches it by a proxy of
// the test.
type pair struct {
	t        *testing.T
	toolshed *daemon
	proxy    *proxy
	service  *daemon
	shedAt   string // address of the toolshed
	shedDir  string
	dir      string
	refs     []client.Ref
}

// passphrase is the operator's of all that belong together.
const passphrase = "OPERATOR_PASS=the toolshed and its services"

func (p *pair) startToolshed() {
	p.t.Helper()
	if p.shedAt == "" {
		p.shedAt = reserve(p.t)
	}
	d, err := launch(p.t, process.Options{Alone: true, Dir: p.shedDir, Listen: p.shedAt, Env: []string{passphrase}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.toolshed = d
}

// beside starts a service beside the toolshed at an address.
func beside(t *testing.T, toolshed, dir string, args ...string) *daemon {
	t.Helper()
	d, err := launch(t, process.Options{Dir: dir, Env: []string{passphrase, "TOOLSHED_API_URL=" + toolshed}, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (p *pair) startService() {
	p.t.Helper()
	p.service = beside(p.t, p.proxy.url, p.dir)
}

func newPair(t *testing.T, charms int) *pair {
	t.Helper()
	p := &pair{t: t, shedDir: t.TempDir(), dir: t.TempDir()}
	p.startToolshed()
	p.proxy = newProxy(t, p.shedAt)
	p.startService()
	p.service.awaitReady(true, "")
	for i := range charms {
		p.refs = append(p.refs, p.service.add(counter, fmt.Sprintf("s%d", i%2), fmt.Sprintf("c%d", i), every(time.Second)))
	}
	return p
}

// load has clients run every charm on the services until it is done or they are gone.
func (p *pair) load(ctx context.Context, services ...*daemon) *sync.WaitGroup {
	var clients sync.WaitGroup
	for _, d := range services {
		for _, ref := range p.refs {
			clients.Go(func() {
				for ctx.Err() == nil {
					if _, err := d.Client.Run(ctx, ref, true); err != nil {
						return
					}
				}
			})
		}
	}
	return &clients
}

// settle has every charm run once more on every service, so that what became of
// runs whose answers were lost is found out, and then stops them all.
func (p *pair) settle(services ...*daemon) {
	p.t.Helper()
	for _, d := range services {
		d.awaitReady(true, "")
	}
	for _, ref := range p.refs {
		for _, d := range services {
			if _, err := d.Client.Enable(p.t.Context(), ref); err != nil { // too many unclean stops in a row disable
				p.t.Fatal(err)
			}
			if run := d.run(ref); run.Outcome != "ok" {
				p.t.Errorf("the last run of %v ended as %s: %s", ref, run.Outcome, run.Error)
			}
		}
	}
	for _, ref := range p.refs {
		for _, d := range services {
			if _, err := d.Client.Disable(p.t.Context(), ref, "counting"); err != nil {
				p.t.Fatal(err)
			}
			d.await(ref, "no job is stuck", 30*time.Second, func(c api.Charm) bool { return c.Status == "disabled" })
		}
	}
}

// check holds the cells in the toolshed against the records of the services: each
// run that is recorded as ok counts once.
func (p *pair) check(services ...*daemon) (runs int) {
	p.t.Helper()
	p.settle(services...)
	key := keyOf(passphrase)
	for _, ref := range p.refs {
		want := 0
		for _, d := range services {
			want += len(okRuns(p.t, d, ref))
		}
		runs += want
		if got := p.toolshed.counted(key, ref); got != want {
			p.t.Errorf("%v: the cell holds %d, %d runs are recorded as ok", ref, got, want)
		}
		for _, d := range services {
			d.await(ref, "the copy is what the toolshed has", 10*time.Second, func(c api.Charm) bool { return result[counted](p.t, c).Value == int64(want) })
		}
	}
	return runs
}

// killsBeside is how often each side is killed below.
func killsBeside(t *testing.T) int {
	text := os.Getenv("CHARMD_KILLS")
	if text == "" {
		return 4
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("CHARMD_KILLS is %q", text)
	}
	return n
}

// Service and toolshed are killed at random moments under load, and what lies
// between them delays, cuts, drops and mixes up connections. Every run that is
// recorded as ok counts once in the cell, and no other run does.
func TestBesideAToolshedEveryRunCountsOnce(t *testing.T) {
	t.Parallel()
	p := newPair(t, 4)
	p.proxy.rage(true)
	for n := range 2 * killsBeside(t) {
		load, stop := context.WithCancel(t.Context())
		clients := p.load(load, p.service)
		timer := time.NewTimer(time.Duration(100+rand.IntN(500)) * time.Millisecond)
		<-timer.C
		if n%2 == 0 {
			p.service.Kill()
			stop()
			clients.Wait()
			p.startService()
		} else {
			p.toolshed.Kill()
			p.startToolshed()
			timer.Reset(time.Duration(100+rand.IntN(300)) * time.Millisecond)
			<-timer.C
			stop()
			clients.Wait()
		}
	}
	p.proxy.rage(false)
	runs := p.check(p.service)
	t.Logf("%d runs, of which %d were applied and taken for lost, %d kills", runs, strings.Count(p.service.Log(), "was applied"), 2*killsBeside(t))
}
