package pool

import (
	"context"
	"fmt"
	"time"

	"charmd/internal/charm"
	"charmd/internal/wire"
)

const compileTimeout = 20 * time.Second

// Compile compiles a recipe in a worker. What the compiler says is in the result's
// Errors; a compiler that did not live to say it is a *charm.Error of code
// compile, no worker one of code unavailable.
func (p *Pool) Compile(ctx context.Context, req wire.CompileRequest) (wire.Compiled, error) {
	var err error
	for range handovers {
		var w *worker
		if w, err = p.acquire(ctx, noSpace); err != nil {
			break
		}
		c := &compilation{entry: req.Entry, end: make(chan Exit, 1)}
		if err = w.begin(c, &req); err == nil {
			return c.wait(ctx, w)
		}
		if wire.IsViolation(err) {
			return wire.Compiled{}, charm.Errorf(charm.CodeTooLarge, "compiling %s: %w", req.Entry, err)
		}
	}
	if ctx.Err() != nil {
		return wire.Compiled{}, fmt.Errorf("compiling %s: %w", req.Entry, context.Cause(ctx))
	}
	return wire.Compiled{}, charm.Errorf(charm.CodeUnavailable, "no worker could compile %s: %w", req.Entry, err)
}

// compilation is the conversation about one CompileRequest: a single answer.
type compilation struct {
	entry    string
	compiled wire.Compiled
	end      chan Exit // capacity 1
}

func (c *compilation) name() string { return c.entry }

func (c *compilation) ended(e Exit) { c.end <- e }

func (c *compilation) take(m wire.Message) (done bool, err error) {
	compiled, ok := m.(*wire.Compiled)
	if !ok {
		return false, wire.Violationf("%T during a compilation", m)
	}
	c.compiled = *compiled
	return true, nil
}

func (c *compilation) wait(ctx context.Context, w *worker) (wire.Compiled, error) {
	late := time.AfterFunc(compileTimeout, func() { w.killDuring(c, Exit{Kind: TimedOut}) })
	defer late.Stop()
	unwanted := context.AfterFunc(ctx, func() { w.killDuring(c, Exit{Kind: Cancelled}) })
	defer unwanted()
	e := <-c.end
	var what string
	switch e.Kind {
	case Done:
		return c.compiled, nil
	case Cancelled:
		if ctx.Err() != nil {
			return wire.Compiled{}, fmt.Errorf("compiling %s: %w", c.entry, context.Cause(ctx))
		}
		return wire.Compiled{}, charm.Errorf(charm.CodeUnavailable, "compiling %s: %s", c.entry, e.Detail)
	case TimedOut:
		what = fmt.Sprintf("takes longer than %s", compileTimeout)
	case OutOfMemory:
		what = "needs more memory than the compiler may have"
	default:
		what = "ends the compiler: " + e.Detail
	}
	return wire.Compiled{}, charm.Errorf(charm.CodeCompile, "compiling %s %s", c.entry, what).
		WithHint("Is something in it nested very deeply, or very large?")
}
