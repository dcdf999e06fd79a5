package service_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/config"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
	"charmd/internal/registry"
)

// socket is a client of a daemon's memory.
type socket struct {
	ws    *websocket.Conn
	key   *identity.Key
	space string
	sent  int
	meta  *jsontext.Object // the last member of what it sends, when there is one
}

func (d *daemon) dial(key *identity.Key, space string) (*socket, error) {
	ws, _, err := websocket.Dial(d.t.Context(), d.URL+frames.Path, nil)
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(2 * frames.MaxBytes)
	d.t.Cleanup(func() { _ = ws.CloseNow() })
	return &socket{ws: ws, key: key, space: space}, nil
}

// asOperator is one of the operator, who may do everything.
func (d *daemon) asOperator(space string) *socket {
	d.t.Helper()
	pem, err := os.ReadFile(filepath.Join(d.Dir, config.OperatorFile))
	if err != nil {
		d.t.Fatal(err)
	}
	key, err := identity.FromPKCS8(pem)
	if err != nil {
		d.t.Fatal(err)
	}
	w, err := d.dial(key, space)
	if err != nil {
		d.t.Fatal(err)
	}
	return w
}

// ask sends a command and returns its result.
func (w *socket) ask(ctx context.Context, cmd, args string) (*jsontext.Object, error) {
	v, err := jsontext.Parse([]byte(args), jsontext.DefaultLimits)
	if err != nil {
		return nil, err
	}
	w.sent++
	i := frames.NewInvocation(cmd, w.space, w.key.DID(), v.(*jsontext.Object), time.Now(), fmt.Sprint(w.sent))
	if w.meta != nil {
		i.Object.Set("meta", w.meta)
		i.Ref = merkle.Refer(i.Object)
	}
	if err := w.ws.Write(ctx, websocket.MessageText, frames.Sign(i, w.key)); err != nil {
		return nil, err
	}
	_, text, err := w.ws.Read(ctx)
	if err != nil {
		return nil, err
	}
	m, err := frames.ParseMessage(text)
	if err != nil {
		return nil, err
	}
	result, err := m.Result()
	o, _ := result.(*jsontext.Object)
	return o, err
}

// read is the value of a document and the cause of the change that follows it.
func (w *socket) read(ctx context.Context, of string) (any, merkle.Ref, error) {
	found, err := w.ask(ctx, frames.Query, fmt.Sprintf(`{"select":{%q:{"application/json":{}}}}`, of))
	if err != nil {
		return nil, merkle.Ref{}, err
	}
	var v any = found
	for _, key := range []string{w.space, of, memory.JSON} {
		v, _ = v.(*jsontext.Object).Get(key)
	}
	for text, body := range v.(*jsontext.Object).All() {
		cause, err := merkle.ParseString(text)
		if err != nil {
			return nil, merkle.Ref{}, err
		}
		is, _ := body.(*jsontext.Object).Get("is")
		ref := merkle.Refer(is)
		return is, merkle.FactRef(memory.JSON, of, &ref, cause), nil
	}
	return nil, merkle.Unclaimed(memory.JSON, of), nil
}

func (w *socket) write(ctx context.Context, of string, cause merkle.Ref, v any) error {
	_, err := w.ask(ctx, frames.Transact, fmt.Sprintf(`{"changes":{%q:{"application/json":{%q:{"is":%s}}}}}`, of, cause, jsontext.Append(nil, v)))
	return err
}

// A charm that another program puts into the registry cell over the wire runs,
// and one that it takes out does not any more, whoever it says that it is: its
// transactions end as those do that the registry itself makes.
func TestTheRegistryHearsTheWire(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir(), "--interval", "1s")
	ref := d.add(counter, "feeds", "wired", notRegistered)
	w := d.asOperator(identity.SystemSpaceDID)
	w.meta = jsontext.NewObject()
	w.meta.Set("by", "registry")
	cellOf := memory.Of(registry.ID())
	rewrite := func(change func(entries []any) []any) {
		t.Helper()
		for {
			doc, cause, err := w.read(t.Context(), cellOf)
			if err == nil {
				entries, _ := doc.(*jsontext.Object).Get("value")
				doc.(*jsontext.Object).Set("value", change(entries.([]any)))
				err = w.write(t.Context(), cellOf, cause, doc)
			}
			if err == nil {
				return
			}
			if !strings.Contains(err.Error(), frames.ConflictError) { // the service wrote a run's status, also of the heartbeat
				t.Fatal(err)
			}
		}
	}
	entry, err := jsontext.Parse(fmt.Appendf(nil, `{"space":%q,"charmId":%q,"integration":"test","createdAt":1,"updatedAt":1,"runs":0}`, ref.Space, ref.Charm), jsontext.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(func(entries []any) []any { return append(entries, entry) })
	d.await(ref, "it runs in the background", 20*time.Second, func(c api.Charm) bool { return c.Registered && c.State.TotalSuccesses > 0 })
	rewrite(func(entries []any) []any {
		return slices.DeleteFunc(entries, func(e any) bool {
			id, _ := e.(*jsontext.Object).Get("charmId")
			return id == ref.Charm
		})
	})
	d.await(ref, "it is taken out", 20*time.Second, func(c api.Charm) bool { return !c.Registered })
}

// Runs and a client over the wire count in the same cell: no increment is lost.
// The client marks what it writes: on the wire who writes what is current already
// is told that it is done, so two who count alike would not notice each other.
func TestRunsConflictWithTheWire(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	ref := d.add(counter, "feeds", "shared", notRegistered)
	d.runOK(ref) // the process document is there
	w := d.asOperator(ref.Space)
	id, err := merkle.ParseLink(ref.Charm)
	if err != nil {
		t.Fatal(err)
	}
	process := memory.Of(merkle.ProcessID(id).Link())
	path := cell.ParsePath("argument/value")
	const each = 40
	ctx, cancel := context.WithTimeout(t.Context(), patience*time.Minute)
	defer cancel()
	var both sync.WaitGroup
	both.Go(func() {
		for range each {
			if r, err := d.Client.Run(ctx, ref, true); err != nil || r.Run.Outcome != "ok" {
				t.Errorf("a run: %+v, %v", r.Run, err)
			}
		}
	})
	both.Go(func() {
		for n := 0; n < each; {
			doc, cause, err := w.read(ctx, process)
			if err == nil {
				increment(t, doc, path)
				doc.(*jsontext.Object).Set("by", float64(n))
				err = w.write(ctx, process, cause, doc)
			}
			switch {
			case err == nil:
				n++
			case !strings.Contains(err.Error(), frames.ConflictError):
				t.Errorf("over the wire: %v", err)
				return
			}
		}
	})
	both.Wait()
	if got := result[counted](t, d.show(ref)).Value; got != 1+2*each {
		t.Errorf("the cell holds %d, want %d", got, 1+2*each)
	}
}

// increment adds one to the number at path of a document.
func increment(t *testing.T, doc any, path []string) {
	t.Helper()
	at, _ := doc.(*jsontext.Object).Get("value")
	for _, key := range path[:len(path)-1] {
		at, _ = at.(*jsontext.Object).Get(key)
	}
	last := path[len(path)-1]
	n, _ := at.(*jsontext.Object).Get(last)
	count, _ := n.(float64)
	at.(*jsontext.Object).Set(last, count+1)
}

// No write that a client was told of is lost over kill -9, and the facts of each
// client are one chain.
func TestWhatTheWireAcknowledgedStays(t *testing.T) {
	t.Parallel()
	const clients, rounds, pipelined = 4, 6, 20
	dir := t.TempDir()
	d := startDaemon(t, dir)
	type client struct {
		key   *identity.Key
		acked int        // the last number it was told of
		sent  int        // the last it has tried to send
		after merkle.Ref // the fact with the number acked
	}
	const of = "of:chain"
	list := make([]*client, clients)
	for n := range list {
		list[n] = &client{key: identity.FromPassphrase(fmt.Sprint("client ", n)), after: merkle.Unclaimed(memory.JSON, of)}
	}
	total := 0
	for round := range rounds {
		var all sync.WaitGroup
		enough := make(chan struct{}, clients)
		for _, c := range list {
			w, err := d.dial(c.key, c.key.DID())
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				// Sends ahead of the answers until the daemon is gone.
				refs := map[int]merkle.Ref{}
				next := c.after
				ahead := make(chan int, pipelined)
				go func() {
					defer close(ahead)
					for n := c.acked + 1; ; n++ {
						c.sent = n
						v := float64(n)
						i := frames.NewInvocation(frames.Transact, c.key.DID(), c.key.DID(), chained(t, of, next, v), time.Now(), fmt.Sprint(n))
						if w.ws.Write(t.Context(), websocket.MessageText, frames.Sign(i, c.key)) != nil {
							return
						}
						is := merkle.Refer(v)
						next = merkle.FactRef(memory.JSON, of, &is, next)
						ahead <- n
					}
				}()
				done := 0
				for n := range ahead {
					is := merkle.Refer(float64(n))
					refs[n] = merkle.FactRef(memory.JSON, of, &is, c.after)
					_, text, err := w.ws.Read(t.Context())
					if err != nil {
						for range ahead {
						}
						break
					}
					m, err := frames.ParseMessage(text)
					if err == nil {
						_, err = m.Result()
					}
					if err != nil {
						t.Errorf("write %d: %v", n, err)
					}
					c.acked, c.after = n, refs[n]
					if done++; done == 30 {
						enough <- struct{}{}
					}
				}
			})
		}
		for range list {
			<-enough
		}
		d.Kill()
		all.Wait()
		var err error
		if d, err = d.again(t); err != nil {
			t.Fatal(err)
		}
		for n, c := range list {
			w, err := d.dial(c.key, c.key.DID())
			if err != nil {
				t.Fatal(err)
			}
			v, cause, err := w.read(t.Context(), of)
			if err != nil {
				t.Fatal(err)
			}
			found, _ := v.(float64)
			if int(found) < c.acked || int(found) > c.sent {
				t.Errorf("round %d: client %d finds %v, it was told of %d and had sent up to %d", round, n, v, c.acked, c.sent)
			}
			// What was sent and not answered may be there: then it is the same chain.
			for at := c.acked + 1; at <= int(found); at++ {
				is := merkle.Refer(float64(at))
				c.after = merkle.FactRef(memory.JSON, of, &is, c.after)
			}
			if c.after != cause {
				t.Errorf("round %d: client %d finds another chain at %v", round, n, v)
			}
			total += int(found) - c.acked
			c.acked = int(found)
		}
	}
	t.Logf("%d writes that were not answered had been made all the same", total)
}

func chained(t *testing.T, of string, cause merkle.Ref, v float64) *jsontext.Object {
	args, err := jsontext.Parse(fmt.Appendf(nil, `{"changes":{%q:{"application/json":{%q:{"is":%v}}}}}`, of, cause, v), jsontext.DefaultLimits)
	if err != nil {
		t.Error(err)
	}
	return args.(*jsontext.Object)
}

// With --dev the published identities are believed, and the log says so.
func TestDevBelievesPublishedIdentities(t *testing.T) {
	t.Parallel()
	for _, dev := range []bool{false, true} {
		var args []string
		if dev {
			args = []string{"--dev"}
		}
		d := startDaemon(t, t.TempDir(), args...)
		w, err := d.dial(identity.Service(), identity.SystemSpaceDID)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = w.read(t.Context(), memory.Of(registry.ID()))
		if (err == nil) != dev {
			t.Errorf("--dev %v: %v", dev, err)
		}
		if said := strings.Contains(d.Log(), "identities whose keys are published are believed"); said != dev {
			t.Errorf("--dev %v: the log said so: %v", dev, said)
		}
	}
}

// A stop tells the clients of the memory, and waits for none that is idle.
func TestAStopTellsTheWire(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	w := d.asOperator(identity.SystemSpaceDID)
	if _, _, err := w.read(t.Context(), memory.Of(registry.ID())); err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	go func() {
		_, _, err := w.ws.Read(t.Context())
		told <- err
	}()
	if err := d.Stop(); err != nil {
		t.Errorf("the stop ended with %v", err)
	}
	if err := <-told; websocket.CloseStatus(err) != websocket.StatusGoingAway || !strings.Contains(err.Error(), "the service is stopping") {
		t.Errorf("the client was told %v", err)
	}
}
