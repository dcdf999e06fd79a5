package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
	"charmd/internal/process"
)

const (
	writesAlone   = 2_000  // one after the other
	writesAhead   = 20_000 // without waiting, of all sockets
	queriesAhead  = 60_000
	socketsAhead  = 4
	aheadOfAnswer = 256 // requests of a socket that wait for their answers
	effectWrites  = 100
	idleSockets   = 1_000
)

// benchMemory measures the memory server as its clients meet it. Requests are
// signed before the clock starts.
func benchMemory(settings) (r report, err error) {
	dir, err := os.MkdirTemp("", "charmd-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := start(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	for _, measure := range []func(context.Context, *process.Daemon) (report, error){socketMemory, writeRates, queryRates, effectLatencies} {
		found, err := measure(context.Background(), d)
		if err != nil {
			return nil, err
		}
		r = append(r, found...)
	}
	return r, nil
}

func dial(ctx context.Context, d *process.Daemon) (*websocket.Conn, error) {
	ws, _, err := websocket.Dial(ctx, d.URL+frames.Path, nil)
	if err == nil {
		ws.SetReadLimit(2 * frames.MaxBytes)
	}
	return ws, err
}

const benchDocument = "of:bench"

// chain is n signed transactions of a space's own, each following the one before.
func chain(key *identity.Key, of string, n int) [][]byte {
	cause := merkle.Unclaimed(memory.JSON, of)
	list := make([][]byte, n)
	for i := range list {
		is := jsontext.NewObject()
		is.Set("value", float64(i))
		body, causes, the, byOf, args := jsontext.NewObject(), jsontext.NewObject(), jsontext.NewObject(), jsontext.NewObject(), jsontext.NewObject()
		body.Set("is", is)
		causes.Set(cause.String(), body)
		the.Set(memory.JSON, causes)
		byOf.Set(of, the)
		args.Set("changes", byOf)
		list[i] = frames.Sign(frames.NewInvocation(frames.Transact, key.DID(), key.DID(), args, time.Now(), ""), key)
		value := merkle.Refer(is)
		cause = merkle.FactRef(memory.JSON, of, &value, cause)
	}
	return list
}

// asking is the signed command on one document.
func asking(cmd string, key *identity.Key, of string) []byte {
	the, byOf, args := jsontext.NewObject(), jsontext.NewObject(), jsontext.NewObject()
	the.Set(memory.JSON, jsontext.NewObject())
	byOf.Set(of, the)
	args.Set("select", byOf)
	return frames.Sign(frames.NewInvocation(cmd, key.DID(), key.DID(), args, time.Now(), ""), key)
}

// pipe sends requests, at most ahead of their answers, and checks that none failed.
func pipe(ctx context.Context, ws *websocket.Conn, requests [][]byte, ahead int) error {
	waiting := make(chan struct{}, ahead)
	sent := make(chan error, 1)
	go func() {
		for _, r := range requests {
			waiting <- struct{}{}
			if err := ws.Write(ctx, websocket.MessageText, r); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for range requests {
		_, text, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		if m, err := frames.ParseMessage(text); err != nil {
			return err
		} else if _, err := m.Result(); err != nil {
			return err
		}
		<-waiting
	}
	return <-sent
}

// rate is how many requests a second several sockets get answered together, and
// what the service computes for one, microseconds.
func rate(ctx context.Context, d *process.Daemon, each [][][]byte, ahead int) (perSecond, cpu float64, err error) {
	sockets := make([]*websocket.Conn, len(each))
	for i := range sockets {
		ws, err := dial(ctx, d)
		if err != nil {
			return 0, 0, err
		}
		defer ws.CloseNow()
		sockets[i] = ws
	}
	errs := make([]error, len(each))
	var all sync.WaitGroup
	before, err := d.CPU()
	if err != nil {
		return 0, 0, err
	}
	began, n := time.Now(), 0
	for i, requests := range each {
		n += len(requests)
		all.Go(func() { errs[i] = pipe(ctx, sockets[i], requests, ahead) })
	}
	all.Wait()
	took := time.Since(began)
	after, err := d.CPU()
	return round(float64(n) / took.Seconds()), round(float64((after - before).Microseconds()) / float64(n)), errors.Join(append(errs, err)...)
}

func writeRates(ctx context.Context, d *process.Daemon) (report, error) {
	alone, _, err := rate(ctx, d, [][][]byte{chain(identity.Generate(), benchDocument, writesAlone)}, 1)
	if err != nil {
		return nil, err
	}
	one, _, err := rate(ctx, d, [][][]byte{chain(identity.Generate(), benchDocument, writesAhead/socketsAhead)}, aheadOfAnswer)
	if err != nil {
		return nil, err
	}
	var each [][][]byte
	for range socketsAhead {
		each = append(each, chain(identity.Generate(), benchDocument, writesAhead/socketsAhead))
	}
	all, cpu, err := rate(ctx, d, each, aheadOfAnswer)
	return report{
		{"transactions_per_s_sequential", alone},
		{"transactions_per_s_pipelined_1_sockets", one},
		{fmt.Sprintf("transactions_per_s_pipelined_%d_sockets", socketsAhead), all},
		{"transactions_per_s_pipelined", max(one, all)},
		{"service_cpu_us_per_transaction", cpu},
	}, err
}

func queryRates(ctx context.Context, d *process.Daemon) (report, error) {
	var each [][][]byte
	for range socketsAhead {
		key := identity.Generate()
		if _, _, err := rate(ctx, d, [][][]byte{chain(key, benchDocument, 10)}, 1); err != nil {
			return nil, err
		}
		each = append(each, slices.Repeat([][]byte{asking(frames.Query, key, benchDocument)}, queriesAhead/socketsAhead))
	}
	alone, _, err := rate(ctx, d, [][][]byte{each[0][:writesAlone]}, 1)
	if err != nil {
		return nil, err
	}
	all, cpu, err := rate(ctx, d, each, aheadOfAnswer)
	return report{{"queries_per_s_sequential", alone}, {"queries_per_s", all}, {"service_cpu_us_per_query", cpu}}, err
}

// effectLatencies are the times from sending a transaction until a subscriber
// has its effect, of all subscribers.
func effectLatencies(ctx context.Context, d *process.Daemon) (r report, err error) {
	for _, n := range []int{1, 100, 1000} {
		took, err := effectLatency(ctx, d, n)
		if err != nil {
			return nil, fmt.Errorf("%d subscribers: %w", n, err)
		}
		slices.Sort(took)
		for _, p := range []int{50, 99} {
			r = append(r, figure{fmt.Sprintf("effect_ms_p%d_%d_subscribers", p, n), milliseconds(took[(len(took)-1)*p/100])})
		}
	}
	return r, nil
}

func milliseconds(d time.Duration) float64 { return round(d.Seconds() * 1000) }

func effectLatency(ctx context.Context, d *process.Daemon, subscribers int) ([]time.Duration, error) {
	key := identity.Generate()
	writer, err := dial(ctx, d)
	if err != nil {
		return nil, err
	}
	defer writer.CloseNow()
	arrived := make(chan time.Time, subscribers)
	failed := make(chan error, subscribers)
	for range subscribers {
		ws, err := listen(ctx, d, key)
		if err != nil {
			return nil, err
		}
		defer ws.CloseNow()
		go func() {
			for range effectWrites {
				if _, _, err := ws.Read(ctx); err != nil {
					failed <- err
					return
				}
				arrived <- time.Now()
			}
		}()
	}
	var took []time.Duration
	for _, request := range chain(key, benchDocument, effectWrites) {
		sent := time.Now()
		if err := pipe(ctx, writer, [][]byte{request}, 1); err != nil {
			return nil, err
		}
		for range subscribers {
			select {
			case at := <-arrived:
				took = append(took, at.Sub(sent))
			case err := <-failed:
				return nil, err
			}
		}
	}
	return took, nil
}

// listen is a socket that has subscribed to the document.
func listen(ctx context.Context, d *process.Daemon, key *identity.Key) (*websocket.Conn, error) {
	ws, err := dial(ctx, d)
	if err != nil {
		return nil, err
	}
	if err := ws.Write(ctx, websocket.MessageText, asking(frames.Subscribe, key, benchDocument)); err != nil {
		return nil, err
	}
	return ws, pipe(ctx, ws, [][]byte{asking(frames.Query, key, benchDocument)}, 1) // the subscription is made before
}

// socketMemory is what a socket with one subscription takes that nobody uses.
func socketMemory(ctx context.Context, d *process.Daemon) (report, error) {
	before, err := d.PSS()
	if err != nil {
		return nil, err
	}
	key := identity.Generate()
	for range idleSockets {
		ws, err := listen(ctx, d, key)
		if err != nil {
			return nil, err
		}
		defer ws.CloseNow()
	}
	after, err := d.PSS()
	return report{{"kb_per_connection", round(float64(after-before) / idleSockets / 1024)}}, err
}
