package service_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/process"
)

// awaitCounted waits until the cell in the toolshed holds n.
func (p *pair) awaitCounted(ref client.Ref, n int) {
	p.t.Helper()
	key, deadline := keyOf(passphrase), time.After(20*time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for p.toolshed.counted(key, ref) != n {
		select {
		case <-tick.C:
		case <-deadline:
			p.t.Fatalf("the cell holds %d, want %d", p.toolshed.counted(key, ref), n)
		}
	}
}

// add adds a charm that runs once at first and then when it is asked to.
func (p *pair) addQuiet(name string) client.Ref {
	p.t.Helper()
	ref := p.service.add(counter, "s0", name, every(24*time.Hour))
	p.service.await(ref, "it has run", 20*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses == 1 })
	p.refs = append(p.refs, ref)
	return ref
}

// The toolshed has committed what a run changed, its answer is on the way, and the
// service dies. The next start finds the run there: its record is ok, and it is not
// made again.
func TestKilledBetweenTheToolshedsCommitAndTheRecord(t *testing.T) {
	t.Parallel()
	p := newPair(t, 0)
	ref := p.addQuiet("c")
	release := p.proxy.holdAnswers()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		_, _ = p.service.Client.Run(t.Context(), ref, true) // the service dies meanwhile
	}()
	p.awaitCounted(ref, 2)
	p.service.Kill()
	<-asked
	p.proxy.cut()
	release()

	p.startService()
	c := p.service.await(ref, "what became of the run is known", 20*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses == 2 })
	runs, err := p.service.Client.RunsOf(t.Context(), ref, client.Query{Logs: true})
	if err != nil || len(runs) != 2 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	if r := runs[0]; r.Outcome != charm.OK || r.Error != "" || !strings.Contains(r.Log, "its answer was lost") {
		t.Errorf("the run that was lost: %+v", r)
	}
	if got := result[counted](t, c).Value; got != 2 {
		t.Errorf("the copy holds %d", got)
	}
	p.check(p.service)
}

// The connection ends when the toolshed has committed a run's changes and its
// answer is on the way. The service asks, and the run ends well.
func TestAnswerOfTheToolshedIsLost(t *testing.T) {
	t.Parallel()
	p := newPair(t, 0)
	ref := p.addQuiet("c")
	release := p.proxy.holdAnswers()
	ran := make(chan api.RunReply, 1)
	go func() {
		defer close(ran)
		reply, err := p.service.Client.Run(t.Context(), ref, true)
		if err != nil {
			t.Error(err)
			return
		}
		ran <- reply
	}()
	p.awaitCounted(ref, 2)
	p.proxy.cut()
	release()
	if reply, ok := <-ran; !ok || reply.Run.Outcome != charm.OK {
		t.Errorf("the run: %+v", reply.Run)
	}
	p.check(p.service)
}

// The toolshed commits and its answer does not come for longer than a run waits. The
// run goes back to the queue, and is found to have been applied before it is made
// again.
func TestToolshedThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	p := newPair(t, 0)
	ref := p.addQuiet("c")
	release := p.proxy.holdAnswers()
	reply, err := p.service.Client.Run(t.Context(), ref, true)
	if err != nil || reply.Run.Outcome != charm.Lost || reply.Run.Code != charm.CodeUnanswered {
		t.Errorf("the run: %+v, %v", reply.Run, err)
	}
	release()
	c := p.service.await(ref, "what became of the run is known", 20*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses == 2 })
	if run, err := p.service.Client.RunRecord(t.Context(), reply.Run.ID); err != nil || run.Outcome != charm.OK {
		t.Errorf("its record: %+v, %v", run, err)
	}
	if got := result[counted](t, c).Value; got != 2 || c.State.ConsecutiveFailures != 0 {
		t.Errorf("the copy holds %d; %+v", got, c.State)
	}
	p.check(p.service)
}

// Two services run the same charm of one toolshed at the same time. None of what
// either records as done is lost or counted twice.
func TestTwoServicesBesideOneToolshed(t *testing.T) {
	t.Parallel()
	p := newPair(t, 2)
	second := beside(t, p.toolshed.URL, t.TempDir())
	for _, ref := range p.refs {
		second.awaitCharm(ref)
	}
	load, stop := context.WithCancel(t.Context())
	defer stop()
	clients, least := p.load(load, p.service, second), time.NewTimer(1500*time.Millisecond)
	for _, d := range []*daemon{p.service, second} {
		for _, ref := range p.refs {
			d.awaitMore(ref, "runs beside the other", 3)
		}
	}
	<-least.C
	stop()
	clients.Wait()
	runs := p.check(p.service, second)
	for _, d := range []*daemon{p.service, second} {
		for _, ref := range p.refs {
			if n := len(okRuns(t, d, ref)); n < 3 {
				t.Errorf("only %d of %d runs were made by the service at %s", n, runs, d.URL)
			}
		}
	}
	t.Logf("%d runs", runs)
}

// awaitCharm waits until a service has taken up a charm that another registered.
func (d *daemon) awaitCharm(ref client.Ref) {
	d.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := d.Client.Charm(d.t.Context(), ref)
		if err == nil && c.State.TotalSuccesses > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			d.t.Fatalf("it has not run %v: %+v, %v", ref, c.State, err)
		}
	}
}

// A toolshed that is not there is waited for, at the start and later: the service
// says so, nothing is held against charms, and it goes on by itself.
func TestToolshedThatIsNotThere(t *testing.T) {
	t.Parallel()
	p := &pair{t: t, shedDir: t.TempDir(), shedAt: reserve(t)}
	d := beside(t, "http://"+p.shedAt, t.TempDir())
	d.awaitReady(false, "cannot be reached")
	why, err := d.Client.WhyService(t.Context())
	if err != nil || !strings.Contains(why.Because, "cannot be reached") {
		t.Errorf("why: %+v, %v", why, err)
	}
	p.startToolshed()
	d.awaitReady(true, "")
	p.service = d
	ref := p.addQuiet("c")

	p.toolshed.Kill()
	d.awaitReady(false, p.shedAt)
	if _, err := d.Client.Run(t.Context(), ref, false); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Client.Run(t.Context(), ref, true); charm.CodeOf(err) != charm.CodeUnavailable || !strings.Contains(err.Error(), p.shedAt) {
		t.Errorf("a run that is waited for: %v", err)
	}
	if why, err := d.Client.Why(t.Context(), ref); err != nil || !strings.Contains(why.Because, p.shedAt) {
		t.Errorf("why: %+v, %v", why, err)
	}
	if _, err := d.Client.Disable(t.Context(), ref, "while nobody is there"); err != nil {
		t.Error(err)
	}
	if _, err := d.Client.Enable(t.Context(), ref); err != nil {
		t.Error(err)
	}
	p.startToolshed()
	c := d.await(ref, "it goes on by itself", 30*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses >= 2 })
	if c.State.TotalFailures != 0 || c.State.ConsecutiveFailures != 0 {
		t.Errorf("its toolshed's absence was held against the charm: %+v", c.State)
	}
	p.check(d)
	if n := strings.Count(d.Log(), "the toolshed is not there"); n != 2 {
		t.Errorf("the log says %d times that the toolshed is not there", n)
	}
}

// A data directory belongs to one toolshed; --adopt sets aside what it holds.
func TestDataDirectoryBelongsToAToolshed(t *testing.T) {
	t.Parallel()
	p := &pair{t: t, shedDir: t.TempDir()}
	p.startToolshed()
	dir := t.TempDir()
	if err := startDaemon(t, dir).Stop(); err != nil {
		t.Fatal(err)
	}
	env := []string{passphrase, "TOOLSHED_API_URL=" + p.toolshed.URL}
	_, err := launch(t, process.Options{Dir: dir, Env: env})
	if err == nil || !strings.Contains(err.Error(), "belongs to this charmd's own toolshed") || !strings.Contains(err.Error(), "--adopt") {
		t.Fatalf("beside another toolshed: %v", err)
	}
	d, err := launch(t, process.Options{Dir: dir, Env: env, Args: []string{"--adopt"}})
	if err != nil {
		t.Fatal(err)
	}
	d.awaitReady(true, "")
	if list, err := d.Client.Charms(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("it begins with %d charms, %v", len(list), err)
	}
	aside, err := filepath.Glob(filepath.Join(dir, "charmd.db.before-*"))
	if err != nil || len(aside) != 1 {
		t.Errorf("set aside: %v, %v", aside, err)
	}
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
	if d, err = launch(t, process.Options{Dir: dir, Env: env, Args: []string{"--adopt"}}); err != nil {
		t.Fatal(err)
	}
	if again, _ := filepath.Glob(filepath.Join(dir, "charmd.db.before-*")); len(again) != 1 {
		t.Errorf("the same toolshed again: %v", again)
	}
	d.Kill()
	_, err = launch(t, process.Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "belongs to the toolshed at "+p.toolshed.URL) {
		t.Errorf("without one: %v", err)
	}
}

// Which key is used at a toolshed, and what is said when that does not do.
func TestKeysBesideAToolshed(t *testing.T) {
	t.Parallel()
	p := &pair{t: t, shedDir: t.TempDir()}
	p.startToolshed()
	env := "TOOLSHED_API_URL=" + p.toolshed.URL
	stranger, err := launch(t, process.Options{Dir: t.TempDir(), Env: []string{env}})
	if err != nil {
		t.Fatal(err)
	}
	stranger.awaitReady(false, "charmd space grant toolshed-system did:key:")
	_, reasons := stranger.ready()
	_, did, _ := strings.Cut(reasons, "grant toolshed-system ")
	did, _, _ = strings.Cut(did, " ")
	if _, err := p.toolshed.Client.Grant(t.Context(), "toolshed-system", did, "write"); err != nil {
		t.Fatal(err)
	}
	stranger.awaitReady(true, "")
	ref := stranger.add(counter, "mine", "c", every(24*time.Hour)) // its recipe and its space too
	stranger.runOK(ref)
	stranger.Kill()

	published, err := launch(t, process.Options{Dir: t.TempDir(), Env: []string{env, "OPERATOR_PASS=implicit trust"}})
	if err != nil {
		t.Fatal(err)
	}
	published.awaitReady(false, "OPERATOR_PASS is the published passphrase")
	published.Kill()

	open, err := launch(t, process.Options{Alone: true, Dir: t.TempDir(), Args: []string{"--dev"}, Env: []string{"OPERATOR_PASS=implicit trust"}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := launch(t, process.Options{Dir: t.TempDir(), Env: []string{"TOOLSHED_API_URL=" + open.URL}})
	if err != nil {
		t.Fatal(err)
	}
	d.awaitReady(true, "")
	if !strings.Contains(d.Log(), "goes by the published key") {
		t.Error("there is no warning")
	}
	ref = d.add(counter, "mine", "c", every(24*time.Hour))
	d.await(ref, "it has run", 20*time.Second, func(c api.Charm) bool { return c.State.TotalSuccesses == 1 })
	seen := d.watch("mine/c", "--json") // where the documents are, with the space's own key
	seen.prints(`"result":\{"value":1\}`)
	d.runOK(ref)
	seen.prints(`"result":\{"value":2\}`)
	if _, err := os.Stat(filepath.Join(d.Dir, "operator.key")); err != nil {
		t.Errorf("its own spaces have no key of its own: %v", err)
	}
}
