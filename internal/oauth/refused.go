package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// ErrForged is the cause of the error of an end that fits no beginning.
var ErrForged = errors.New("no such flow in this session")

// forged is an ErrForged with what did not fit, which whoever sent it is not told as
// exactly.
type forged struct{ said, why string }

func (f *forged) Error() string      { return f.said }
func (*forged) Is(target error) bool { return target == ErrForged }

// The bounds of what is kept of refused answers: anybody may send them.
const (
	mostRefused     = 100
	writesPerMinute = 10 // beyond that they are written with the next
)

// refusedKey is where the refused answers are kept, as JSON.
const refusedKey = "account/refused"

// refusals are the answers that were refused, the last first.
type refusals struct {
	list    []charm.RefusedAnswer
	minute  time.Time // in which so many were written
	written int
}

// Refuse keeps that an answer was refused, for those who look after the service: who
// sends what fits no connecting wants an account connected that nobody chose. from is
// the address that sent it, or what else is known of that.
func (a *Accounts) Refuse(ctx context.Context, provider, from string, err error) {
	why := err.Error()
	if f, ok := errors.AsType[*forged](err); ok {
		why = f.why
	}
	if _, known := a.o.Providers[provider]; !known {
		provider = "" // it is text of who sent it
	}
	now := a.o.Now()
	a.mu.Lock()
	write := a.refused.add(charm.RefusedAnswer{First: now, Last: now, Provider: provider, From: from, Why: why, Times: 1})
	a.mu.Unlock()
	if !write {
		return
	}
	bad := a.o.Store.Update(ctx, func(tx store.Tx) error {
		// The list as it is by now: of two that come at once either may be written last.
		text, err := json.Marshal(a.Refused())
		if err != nil {
			return err
		}
		return tx.SetValue(refusedKey, string(text))
	})
	if bad != nil {
		a.o.Logger.Warn("that an answer was refused could not be kept", "provider", provider, "from", from, "reason", why, "err", bad)
	}
}

// add keeps one more, and says whether it is to be written at once.
func (r *refusals) add(one charm.RefusedAnswer) (write bool) {
	same := func(known charm.RefusedAnswer) bool {
		return known.Provider == one.Provider && known.From == one.From && known.Why == one.Why
	}
	if i := slices.IndexFunc(r.list, same); i >= 0 {
		one.First, one.Times = r.list[i].First, r.list[i].Times+1
		r.list = slices.Delete(r.list, i, i+1)
	}
	r.list = slices.Insert(r.list, 0, one)
	r.list = r.list[:min(len(r.list), mostRefused)]
	if !near(one.Last, r.minute, time.Minute) {
		r.minute, r.written = one.Last, 0
	}
	r.written++
	return r.written <= writesPerMinute
}

// Refused lists the last answers that were refused, the last first.
func (a *Accounts) Refused() []charm.RefusedAnswer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.refused.list)
}

// loadRefused reads what was kept.
func (a *Accounts) loadRefused(r store.Reader) error {
	return store.DecodeValue(r, refusedKey, &a.refused.list)
}
