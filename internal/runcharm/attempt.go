package runcharm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// attempt answers one run's questions. It is the pool.Host of that run.
type attempt struct {
	*Session

	mu       sync.Mutex
	space    charm.Space // every document is served as of its commit
	process  string      // id of the charm's process document
	mark     memory.Version
	served   map[string]memory.Version
	bytes    int             // of all that was served
	memo     json.RawMessage // what the worker was given of the last run; nil for nothing
	log      runLog
	share    *egress.Share
	requests int
	asked    []Asked
	blame    string // the last request, when it failed by the other side's fault
	judged   int    // order of the last request, in a run that is made again
	limited  bool   // the last request was ended by a limit
	account  string // why the last request found its account disconnected

	// notBefore is when the hosts that have failed since the last good request may
	// all be asked again.
	notBefore time.Time
}

func newAttempt(s *Session) *attempt {
	return &attempt{Session: s, served: map[string]memory.Version{}, share: egress.NewShare()}
}

func seedOf(run string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(run))
	return h.Sum64()
}

// task fixes the commit the run sees and sends ahead what it will probably read.
func (a *attempt) task(ctx context.Context) (wire.Task, error) {
	w := a.work
	last := a.runner.predicted(w.Charm)
	if last.process == "" {
		id, err := merkle.ParseLink(w.Charm.ID)
		if err != nil {
			return wire.Task{}, fmt.Errorf("charm id %q: %w", w.Charm.ID, err)
		}
		last.process = merkle.ProcessID(id).Link()
	}
	a.process = last.process
	task := wire.Task{
		Run: w.Run, Mode: w.Mode, Charm: w.Charm.ID, Process: a.process, Space: w.Charm.Space,
		Recipe: a.recipe.ID, RecipeFile: a.recipe.Name, Argument: w.Argument, Event: w.Event, Document: w.Document, Stream: w.Stream,
		Now: a.started.UnixMilli(), Seed: a.seed, APIURL: a.runner.apiURL(), Occasion: w.Occasion, Timeout: w.Timeout,
		As: a.as, Replay: w.Replies != nil,
	}
	ahead := []string{w.Charm.ID, a.process}
	if a.asOf == nil {
		ahead = append(ahead, last.ids...)
	} else {
		task.APIURL = a.asOf.APIURL
	}
	var err error
	if known := a.ahead(); known != nil {
		task.Documents, err = a.begin(known, ahead)
	} else {
		task.Documents, err = a.look(ctx, ahead)
	}
	if err == nil && (w.Mode == wire.ModeEvent || w.Mode == wire.ModeWrite) && a.asOf == nil && !a.runner.memory.Copies() {
		task.Memo, task.Stale = a.runner.memos.recall(w.Charm.Space+w.Charm.ID, a.recipe.ID, w.Charm.Space, a.space.Since)
		a.memo = task.Memo
	}
	return task, err
}

// ahead is what was read ahead, for the first attempt alone.
func (a *attempt) ahead() *Ahead {
	known := a.work.Ahead
	a.work.Ahead = nil
	return known
}

// look reads what the run begins with.
func (a *attempt) look(ctx context.Context, ids []string) (docs []wire.Document, err error) {
	w := a.work
	err = a.runner.store.View(ctx, func(r store.Reader) error {
		if a.space, err = r.Space(w.Charm.Space); err != nil {
			return err
		}
		if err := a.tryOut(r); err != nil {
			return err
		}
		if err = a.isOf(r); err != nil {
			return err
		}
		if a.asOf != nil {
			a.space.Since = a.asOf.Since
		}
		if a.runner.memory.Copies() {
			if a.mark, err = MarkOf(r, a.space, w.Charm.ID); err != nil {
				return err
			}
		}
		docs, err = a.read(r, ids)
		return err
	})
	return docs, err
}

// recastError says that the charm has another recipe now.
type recastError struct{ recipe string }

func (e *recastError) Error() string { return "the charm has another recipe now: " + e.recipe }

// isOf checks that the recipe is the charm's as of the commit that the run sees:
// with another one it would undo an update of the charm. An update after that
// commit is a conflict.
func (a *attempt) isOf(r store.Reader) error {
	if a.work.Recipe != nil || a.asOf != nil {
		return nil
	}
	c, err := r.Charm(a.work.Charm.Row)
	if err == nil && c.Recipe != a.recipe.ID {
		return &recastError{c.Recipe}
	}
	return nil // one that was removed is found out at the end
}

// Documents serves documents of the charm's space as of the run's commit.
func (a *attempt) Documents(ctx context.Context, ids []string) (docs []wire.Document, err error) {
	err = a.runner.store.View(ctx, func(r store.Reader) error {
		docs, err = a.read(r, ids)
		return err
	})
	return docs, err
}

// read is documents as of the run's commit.
func (a *attempt) read(r store.Reader, ids []string) ([]wire.Document, error) {
	return a.documents(ids, func(id string) (store.Fact, bool, error) {
		fact, err := a.fact(r, memory.Of(id))
		return fact, true, err
	})
}

// documents is the documents asked for, as far as they are known, up to the size of
// one answer but at least the first; the worker asks again for the others.
func (a *attempt) documents(ids []string, stored func(id string) (fact store.Fact, known bool, err error)) ([]wire.Document, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	docs := make([]wire.Document, 0, len(ids))
	size := 0
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		fact, known, err := stored(id)
		if !known {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("document %s: %w", id, err)
		}
		if text, ok := a.work.Documents[id]; ok {
			fact.Is = text
		}
		if size += len(fact.Is); size > charm.MaxReplyBytes && len(docs) > 0 {
			break
		}
		docs = append(docs, wire.Document{ID: id, Text: fact.Is})
		a.bytes += len(fact.Is)
		if _, again := a.served[id]; !again { // what it saw first is what the commit must find
			a.served[id] = memory.Version{The: memory.JSON, Of: memory.Of(id), Ref: merkle.Ref(fact.Ref)}
		}
	}
	return docs, nil
}

// fact is the state of a document as of the run's commit, the zero Fact when it
// did not exist. A state that retention has taken is served as it is now.
func (a *attempt) fact(r store.Reader, of string) (store.Fact, error) {
	if a.asOf != nil {
		return asItWas(r, a.space, of)
	}
	head, err := r.Head(a.space.Row, memory.JSON, of)
	if err == nil && head.Since > a.space.Since {
		var then store.Fact
		if then, err = r.FactAsOf(a.space.Row, memory.JSON, of, a.space.Since); errors.Is(err, store.ErrForgotten) {
			return head, nil
		}
		head = then
	}
	if errors.Is(err, store.ErrNotFound) {
		return store.Fact{}, nil
	}
	return head, err
}

// Program is the compiled recipe.
func (a *attempt) Program(_ context.Context, id string) (string, error) {
	if id != a.recipe.ID {
		return "", fmt.Errorf("this run is of recipe %s, not of %s", a.recipe.ID, id)
	}
	if a.recipe.Program == "" {
		return "", fmt.Errorf("recipe %s (%s) has not been compiled", a.recipe.ID, a.recipe.Name)
	}
	return a.recipe.Program, nil
}

// Fetch sends a request through egress, or repeats the reply it got before.
func (a *attempt) Fetch(ctx context.Context, f wire.Fetch) (reply wire.Reply, taken func()) {
	turn := a.share.Turn()
	return a.fetch(ctx, f, turn), turn.End
}

func (a *attempt) fetch(ctx context.Context, f wire.Fetch, turn *egress.Turn) wire.Reply {
	a.mu.Lock()
	a.requests++
	a.mu.Unlock()
	req := egress.Request{Method: f.Method, URL: f.URL, Headers: f.Headers, Body: f.Body, Redirect: f.Redirect, Connection: f.Account}
	if a.work.Replies != nil {
		return a.answer(f.Op, req)
	}
	at := a.runner.now()
	reply, entry, err, again := a.replies.Do(ctx, func() (egress.Reply, egress.Entry, error) {
		return a.runner.egress.Do(ctx, egress.Policy{
			AllowHosts: a.work.Charm.AllowHosts, Space: a.work.Charm.Space, Charm: a.work.Charm.ID, Trial: a.trial, Turn: turn,
			Credentials: a.credentials(),
		}, req)
	}, req)
	if !again {
		a.sent.add(at, entry)
	}
	a.judge(0, entry, err)
	return replyTo(f.Op, reply, err, entry.Elapsed)
}

// answer is what is recorded for a request.
func (a *attempt) answer(op uint64, req egress.Request) wire.Reply {
	a.mu.Lock()
	answer, ok := a.work.Replies.Answer(req)
	a.mu.Unlock()
	if !ok {
		answer.Err = egress.NotRecorded(req)
	}
	var err error
	if answer.Err != nil {
		err = answer.Err
	}
	if answer.Never {
		err = egress.Unanswered(req)
	}
	a.judge(answer.Order, egress.EntryOf(req, answer.Reply, err), err)
	reply := replyTo(op, answer.Reply, err, answer.Elapsed)
	reply.Order, reply.Never = answer.Order, answer.Never
	return reply
}

func replyTo(op uint64, reply egress.Reply, err error, elapsed time.Duration) wire.Reply {
	if err != nil {
		return wire.Reply{Op: op, Code: string(codeOf(err)), Error: err.Error(), Elapsed: elapsed}
	}
	return wire.Reply{
		Op: op, Status: reply.Status, StatusText: reply.StatusText, URL: reply.URL, Headers: reply.Headers,
		Redirected: reply.Redirected, Elapsed: reply.Elapsed, Body: reply.Body,
	}
}

func codeOf(err error) egress.Code {
	if e, ok := errors.AsType[*egress.Error](err); ok {
		return e.Code
	}
	return egress.CodeProtocol
}

// judge remembers whether the last request failed by the other side's fault, as
// people are told it ("example.org answered 503"), or was ended by a limit. order
// is that of the answer in a record, which may not be the order of the calls.
func (a *attempt) judge(order int, e egress.Entry, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, Asked{Method: e.Method, URL: e.URL, Status: e.Status, Error: e.Error})
	if order < a.judged {
		return
	}
	a.judged = order
	a.limited = err != nil && codeOf(err).Limit()
	a.account = ""
	if err != nil && codeOf(err) == egress.CodeReconnect {
		a.account = err.Error()
	}
	switch {
	case err != nil && codeOf(err).Remote():
		a.blame = err.Error()
	case err == nil && (e.Status == http.StatusTooManyRequests || e.Status >= 500 || e.Status == http.StatusForbidden && !e.NotBefore.IsZero()):
		a.blame = fmt.Sprintf("%s answered %d", e.Host, e.Status)
	default:
		a.blame = ""
	}
	if a.blame == "" && !a.limited {
		a.notBefore = time.Time{}
	} else if e.NotBefore.After(a.notBefore) {
		a.notBefore = e.NotBefore
	}
}

// Dispatched tells whoever counts the run's time that it has begun.
func (a *attempt) Dispatched() {
	if a.work.Dispatched != nil {
		a.work.Dispatched()
	}
}

// Log keeps console lines, up to charm.MaxLogBytes.
func (a *attempt) Log(lines []wire.LogLine) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log.add(lines)
}
