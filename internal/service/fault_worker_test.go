//go:build linux

package service_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/process"
	"charmd/internal/testbin"
)

// holding serves requests that wait: each says its path and is answered when
// told to, or at once when the path was let go before.
func holding(t *testing.T) (url, host string, asked <-chan string, release func(path string)) {
	t.Helper()
	waiting := make(chan string, 10)
	gates := map[string]chan struct{}{"/a": make(chan struct{}), "/b": make(chan struct{}), "/c": make(chan struct{})}
	url, host = serve(t, func(_ http.ResponseWriter, r *http.Request) {
		waiting <- r.URL.Path
		select {
		case <-gates[r.URL.Path]:
		case <-r.Context().Done():
		}
	})
	return url, host, waiting, func(path string) { close(gates[path]) }
}

// workerOf is the process that a charm's run is in.
func (d *daemon) workerOf(name string) int {
	d.t.Helper()
	jobs, err := d.Client.Jobs(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	status, err := d.Client.Status(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, j := range jobs {
		for _, w := range status.Workers {
			if strings.HasSuffix(j.Charm, "/"+name) && j.Run != "" && w.Task == j.Run {
				return w.PID
			}
		}
	}
	d.t.Fatalf("%s runs nowhere: %+v in %+v", name, jobs, status.Workers)
	return 0
}

func TestFault02_WorkerKilledInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	url, host, asked, release := holding(t)
	d := startDaemon(t, t.TempDir(), "--max-retries", "0")
	refs, ends := map[string]client.Ref{}, map[string]<-chan api.Run{}
	for _, name := range []string{"a", "b", "c"} {
		refs[name] = d.add(slow, "s", name, notRegistered, allow(host), argument(`{"url":%q}`, url+"/"+name))
		ends[name] = d.begin(refs[name])
	}
	for range refs {
		<-asked
	}
	if err := syscall.Kill(d.workerOf("b"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	killed := <-ends["b"]
	if killed.Outcome != charm.Crashed || killed.Code != charm.CodeCrashed || !strings.Contains(killed.Error, "SIGKILL") {
		t.Errorf("the run of the killed worker ended as %s (%s): %s", killed.Outcome, killed.Code, killed.Error)
	}
	if !strings.Contains(killed.Walls, "rlimits") {
		t.Errorf("its walls are %q", killed.Walls)
	}
	release("/b")
	if r := d.runOK(refs["b"]); r.Walls != killed.Walls { // free at once, while the others still run
		t.Errorf("the walls of its next run are %q", r.Walls)
	}
	for _, name := range []string{"a", "c"} {
		release("/" + name)
		if r := <-ends[name]; r.Outcome != charm.OK {
			t.Errorf("a sibling ended as %s: %s", r.Outcome, r.Error)
		}
	}
}

// endless never looks whether it is to stop.
const endless = `console.log("begun"); Array.prototype.indexOf.call({ length: 2 ** 40 }, 1);`

// busy waits until a worker has a run, and returns all workers.
func (d *daemon) busy() []int {
	d.t.Helper()
	d.await(client.Ref{Space: "s", Charm: "endless"}, "runs", 10*time.Second, func(c api.Charm) bool { return c.Status == string(charm.Running) })
	return process.Children(d.PID)
}

func TestFault03_WorkersDieWithTheirService(t *testing.T) {
	t.Parallel()
	for _, frozen := range []bool{false, true} {
		t.Run(fmt.Sprintf("frozen=%t", frozen), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			d := startDaemon(t, dir)
			d.add(failing(endless), "s", "endless", rarely)
			workers := d.busy()
			owner := ownerArgument(t, d.workerOf("endless")) // others may be about to start
			if frozen {                                      // none of them can act on the end of its pipe
				for _, pid := range workers {
					_ = syscall.Kill(pid, syscall.SIGSTOP)
				}
			}
			d.Kill()
			awaitGone(t, workers)

			// What should not be: one that nothing has told that its service is gone.
			left := exec.Command(testbin.Path(t), "worker", owner)
			stdin, err := left.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := left.Start(); err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			d = startDaemon(t, dir)
			_ = left.Wait()
			if status := left.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
				t.Errorf("a worker that was left over ended with %v", left.ProcessState)
			}
			if !strings.Contains(d.Log(), "workers of an earlier service were still alive") {
				t.Error("the log does not tell of it")
			}
			lost, err := d.Client.RunsOf(t.Context(), client.Ref{Space: "s", Charm: "endless"}, client.Query{Limit: 10, Outcome: charm.Lost})
			if err != nil || len(lost) != 1 {
				t.Errorf("lost are %+v, %v", lost, err)
			}
		})
	}
}

// ownerArgument is the word of a worker's command line that says whose it is.
func ownerArgument(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		t.Fatal(err)
	}
	for word := range bytes.SplitSeq(text, []byte{0}) {
		if len(word) > len("-owner=") && bytes.HasPrefix(word, []byte("-owner=")) {
			return string(word)
		}
	}
	t.Fatalf("no owner in %q", text)
	return ""
}

// A service that was thought dead finds that its run is another's now.
func TestFault03_ALateWriteIsRefused(t *testing.T) {
	t.Parallel()
	url, host, asked, release := holding(t)
	dir := t.TempDir()
	d := startDaemon(t, dir)
	ref := d.add(slow, "s", "slow", notRegistered, allow(host), argument(`{"url":%q}`, url+"/a"))
	before := string(d.show(ref).Result)
	end := d.begin(ref)
	<-asked
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "charmd.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "update job set epoch = epoch + 1 where status = 'running'"); err != nil {
		t.Fatal(err)
	}
	release("/a")
	if r := <-end; r.Outcome == charm.OK || r.Changed != 0 {
		t.Errorf("the late run ended as %s and changed %d documents", r.Outcome, r.Changed)
	}
	if after := string(d.show(ref).Result); after != before {
		t.Errorf("the late write was done: %s", after)
	}
}

func TestFault04_RunsThatDoNotEnd(t *testing.T) {
	t.Parallel()
	const limit = time.Second
	d := startDaemon(t, t.TempDir(), "--max-concurrent", "2", "--max-retries", "0")
	bystander := d.add(counter, "beside", "counter", every(time.Second))
	for name, body := range map[string]string{
		"loop":       `while (true) {}`,
		"microtasks": `const again = () => Promise.resolve().then(again); again();`,
		"awaits":     `return (async () => { for (;;) await null; })();`,
		"regex":      `/^(a+)+$/.test("a".repeat(40) + "b");`,
		"builtin":    endless,
		"split":      `let s = "x".repeat(2 ** 20); for (;;) s.split("").reverse().join("");`,
		"intervals":  `setInterval(() => { while (true) {} }, 1); return new Promise((done) => setTimeout(done, 10));`,
	} {
		ref := d.add(failing(body), "endless", name, notRegistered, timeout(limit))
		r := d.run(ref)
		if r.Outcome != charm.TimedOut || r.Code != charm.CodeTimeout {
			t.Errorf("%s ended as %s (%s): %s", name, r.Outcome, r.Code, r.Error)
		}
		if took := time.Duration(r.DurationMs * float64(time.Millisecond)); took < limit {
			t.Errorf("%s ended after %s", name, took)
		}
	}
	// Both slots are there again: two runs that wait for each other.
	arrived, both := make(chan struct{}, 2), make(chan struct{})
	url, host := serve(t, func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-both
	})
	var ends []<-chan api.Run
	for _, name := range []string{"one", "two"} {
		ends = append(ends, d.begin(d.add(slow, "s", name, notRegistered, allow(host), argument(`{"url":%q}`, url))))
	}
	<-arrived
	<-arrived
	close(both)
	for _, end := range ends {
		if r := <-end; r.Outcome != charm.OK {
			t.Errorf("afterwards a run ended as %s: %s", r.Outcome, r.Error)
		}
	}
	d.await(bystander, "the others went on", 10*time.Second, func(c api.Charm) bool {
		return c.State.TotalSuccesses > 5 && c.State.TotalFailures == 0
	})
}

// resident is the daemon's own memory in bytes, without its workers'.
func (d *daemon) resident() int64 {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", d.PID))
	if err != nil {
		d.t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		d.t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// TestFault05_Bombs runs alone: the daemon's memory is measured.
func TestFault05_Bombs(t *testing.T) {
	d := startDaemon(t, t.TempDir(), "--max-retries", "0", "--max-concurrent", "2")
	bombs := []struct {
		name, body string
		limit      time.Duration
		outcome    charm.Outcome
	}{
		{"memory", `const l = []; for (;;) l.push(new Array(1e5).fill(0));`, 5 * time.Minute, charm.OutOfMemory},
		{"buffers", `const l = []; for (;;) l.push(new Uint8Array(1 << 20).fill(1));`, 5 * time.Minute, charm.OutOfMemory},
		{"text-for-the-service", `const l = []; for (;;) l.push(btoa("x".repeat(1 << 20)));`, 5 * time.Minute, charm.OutOfMemory},
		{"cells", `state.n.set(Array.from({ length: 1e6 }, (_, i) => ({ i, text: "cell " + i })));`, 5 * time.Minute, charm.OutOfMemory},
		{"regex", `/^(a+)+$/.test("a".repeat(40) + "b");`, time.Second, charm.TimedOut},
		{"recursion", `const deep = () => [deep()]; deep();`, 5 * time.Minute, charm.Errored},
		{"nested", `let a = []; for (let i = 0; i < 1e6; i++) a = [a]; state.n.set(a);`, 5 * time.Minute, charm.Errored},
	}
	refs := make([]client.Ref, len(bombs))
	for i, b := range bombs {
		refs[i] = d.add(failing(b.body), "bombs", b.name, notRegistered, timeout(b.limit))
	}
	d.run(refs[1]) // what the service needs for runs as such is there then
	before := d.resident()
	for i, b := range bombs {
		if r := d.run(refs[i]); r.Outcome != b.outcome {
			t.Errorf("%s ended as %s (%s): %s", b.name, r.Outcome, r.Code, r.Error)
		}
	}
	grown := d.resident() - before
	if grown > 10<<20 {
		t.Errorf("the service grew by %d bytes", grown)
	}
	t.Logf("the service grew by %d KB", grown>>10)
	d.runOK(d.add(counter, "s", "counter", notRegistered))
	if own := oomScore(d.PID); own == "" || own == "1000" {
		t.Errorf("oom_score_adj of the service is %q", own)
	}
	awaitTrue(t, "both workers, also one that is just starting, go before the service", func() bool {
		workers := process.Children(d.PID)
		return len(workers) >= 2 && !slices.ContainsFunc(workers, func(pid int) bool { return oomScore(pid) != "1000" })
	})
}

// oomScore is the oom_score_adj of a process, "" when it has ended.
func oomScore(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid))
	return strings.TrimSpace(string(text))
}

func TestFault05_NestedBracketsLeaveTheDaemonAlive(t *testing.T) {
	t.Parallel()
	const n = 400 << 10
	brackets := strings.Repeat("[", n/2) + strings.Repeat("]", n/2)
	url, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/json" {
			fmt.Fprint(w, brackets)
			return
		}
		fmt.Fprint(w, strings.Repeat("<a>", n/7), strings.Repeat("</a>", n/7))
	})
	d := startDaemon(t, t.TempDir(), "--max-retries", "0")
	ref := d.add(counter, "s", "counter", notRegistered)
	for name, source := range map[string]string{"brackets": strings.Repeat("[", n), "elements": "x = " + strings.Repeat("<a>", n/3)} {
		_, err := d.Client.Add(t.Context(), api.AddRequest{Entry: "a.tsx", Files: map[string]string{"a.tsx": source}, Space: "s", Name: name})
		if charm.CodeOf(err) != charm.CodeCompile || len(fmt.Sprint(err)) > 1000 {
			t.Errorf("as a recipe, %s: %v (%s)", name, err, charm.CodeOf(err))
		}
	}
	files, err := json.Marshal(map[string]string{"a.tsx": counter})
	if err != nil {
		t.Fatal(err)
	}
	for _, send := range []struct{ what, method, path, body string }{
		{"an argument", http.MethodPost, "/api/v1/charms", fmt.Sprintf(`{"entry":"a.tsx","files":%s,"space":"s","name":"argument","argument":{"value":%s}}`, files, brackets)},
		{"a value to set", http.MethodPut, "/api/v1/charms/" + ref.Space + "/" + ref.Charm + "/cells/value", brackets},
		{"a whole body", http.MethodPost, "/api/v1/charms", brackets},
		{"a registration", http.MethodPost, "/api/integrations/bg", brackets},
	} {
		req, err := http.NewRequestWithContext(t.Context(), send.method, d.URL+send.path, strings.NewReader(send.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+d.token())
		req.Header.Set("Content-Type", "application/json")
		reply, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(reply.Body)
		if err != nil || reply.StatusCode != http.StatusBadRequest && reply.StatusCode != http.StatusRequestEntityTooLarge || len(text) > 1000 {
			t.Errorf("as %s: %s, %.1000s", send.what, reply.Status, text)
		}
		_ = reply.Body.Close()
	}
	for name, body := range map[string]string{
		"xml":  `return (async () => { new DOMParser().parseFromString(await (await fetch(%q)).text(), "text/xml").querySelector("a").textContent; })();`,
		"json": `return (async () => { await (await fetch(%q)).json(); })();`,
	} {
		reader := d.add(failing(fmt.Sprintf(body, url+"/"+name)), "s", name, notRegistered, allow(host))
		if r := d.run(reader); r.Outcome != charm.Errored {
			t.Errorf("fetched as %s: ended as %s: %s", name, r.Outcome, r.Error)
		}
	}
	for _, path := range []string{"/api/storage/memory", "/api/v1/charms/" + ref.Space + "/" + ref.Charm + "/live"} {
		d.closesOn(path, brackets)
	}
	d.runOK(ref)
	if s, err := d.Client.Status(t.Context()); err != nil || s.PID != d.PID || !s.Ready {
		t.Errorf("the daemon stands as %+v, %v", s, err)
	}
}

// closesOn sends a frame to a WebSocket, which is to be closed for it.
func (d *daemon) closesOn(path, frame string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience*20*time.Second)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, d.URL+path, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + d.token()}}})
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	_ = ws.Write(ctx, websocket.MessageText, []byte(frame)) // it need not be read to its end
	for err == nil {
		_, _, err = ws.Read(ctx)
	}
	if ctx.Err() != nil {
		d.t.Errorf("%s is still open", path)
	}
}
