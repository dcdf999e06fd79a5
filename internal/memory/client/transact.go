package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
)

// Receipt is what is known of a transaction that was applied.
type Receipt struct {
	// Since is its number in the space's log; -1 when its answer was lost and the
	// toolshed was asked what became of it.
	Since int64
}

// Transact commits the changes, all or none, if each follows what is there and if
// what was read is still current. A place may stand only once in both together.
//
// With a nil error it was applied. A *Conflict, and every other error but one, says
// that it was not, and never will be. *Unknown says that the answer was lost, or
// that the context ended before it came, and that what the toolshed holds does not
// tell. Who cannot live with that changes a place that nobody else writes in the
// same transaction: the last that was written there then tells. A transaction is
// known by its facts, and two writers who say the same of the same fact make one
// fact: who counts puts something of its own into it.
//
// An original toolshed cannot check that nothing is there; it answers with an error.
func (s *Space) Transact(ctx context.Context, changes []Fact, read ...Fact) (Receipt, error) {
	return s.transact(ctx, changes, changes, read)
}

// TransactBy is Transact of changes and of mark, a change that nobody else makes
// alike: what became of the transaction is told by it alone. Others may make the
// same of the other places, and that is not this transaction then.
func (s *Space) TransactBy(ctx context.Context, mark Fact, changes []Fact, read ...Fact) (Receipt, error) {
	return s.transact(ctx, []Fact{mark}, append(slices.Clone(changes), mark), read)
}

// transact commits changes; telling are those of them that tell whether it was done.
func (s *Space) transact(ctx context.Context, telling, changes, read []Fact) (Receipt, error) {
	args, err := transaction(changes, read)
	if err != nil {
		return Receipt{}, err
	}
	for sent := 1; ; sent++ {
		ok, err := s.client.do(ctx, s.call(frames.Transact, args))
		if err == nil {
			return s.receipt(ok)
		}
		lost := errors.Is(err, errLost)
		if sent == 1 && !lost {
			return Receipt{}, err
		}
		// It may have been applied, now or the time before.
		verdict, conflict, asking := s.ask(ctx, telling)
		_, refused := errors.AsType[*Conflict](err)
		switch {
		case asking != nil:
			return Receipt{}, &Unknown{s.did, asking}
		case verdict == applied:
			return Receipt{Since: -1}, nil
		case verdict == moved:
			return Receipt{}, &Unknown{s.did, errMoved}
		case refused: // nothing of it is there, and what was in the way stays there
			return Receipt{}, err
		case verdict == impossible:
			return Receipt{}, conflict
		case !lost || sent == maxSent:
			return Receipt{}, &Unknown{s.did, err}
		}
		// Nothing has changed, and what was sent may still arrive. Sending it again
		// settles that: the facts are the same, so both together apply them once.
	}
}

// verdict is what the toolshed's state tells of a transaction.
type verdict int

const (
	open       verdict = iota // nothing of it is there, and it could still be applied
	applied                   // it is there, or what follows it is
	impossible                // another fact took the place of one of its own
	moved                     // too much has happened since to tell
)

// ask looks for the changes of a transaction in what the toolshed holds. For
// impossible it returns what is in the way.
func (s *Space) ask(ctx context.Context, changes []Fact) (verdict, *Conflict, error) {
	sel := make(Selection, len(changes))
	for i, f := range changes {
		if s.client.saw(s.did, f) {
			return applied, nil, nil
		}
		sel[i] = f.Place
	}
	if len(sel) == 0 {
		return open, nil, nil
	}
	facts, err := s.Query(ctx, sel)
	if err != nil {
		return 0, nil, err
	}
	now := make(map[Place]Fact, len(facts))
	for _, f := range facts {
		now[f.Place] = f
	}
	v, at := judge(changes, now)
	if v != impossible {
		return v, nil, nil
	}
	conflict := &Conflict{Space: s.did, Place: at.Place}
	if at.Cause != merkle.Unclaimed(at.The, at.Of) {
		conflict.Expected = at.Cause
	}
	if actual, found := now[at.Place]; found {
		conflict.Actual = &actual
	}
	return v, conflict, nil
}

// judge tells what became of a transaction from what is current now, and which
// change is impossible. A fact names the one before it, so no place ever holds
// again what it held before: a change whose cause is past can only have been
// applied already, or never will be.
func judge(changes []Fact, now map[Place]Fact) (verdict, Fact) {
	waiting, past := 0, []Fact(nil)
	var overtaken *Fact
	for _, f := range changes {
		current, found := now[f.Place]
		switch {
		case found && (current.Ref == f.Ref || current.follows(f)):
			return applied, Fact{}
		case Fact{Place: f.Place, Ref: current.Ref}.cause() == f.Cause:
			waiting++
		case !found || current.Cause == f.Cause:
			overtaken = &f
		default:
			past = append(past, f)
		}
	}
	switch {
	case overtaken != nil:
		return impossible, *overtaken
	case len(past) == 0:
		return open, Fact{}
	case waiting > 0: // so it has not been applied, and one of the others cannot be any more
		return impossible, past[0]
	}
	return moved, Fact{}
}

func (s *Space) receipt(ok any) (Receipt, error) {
	for _, commit := range object(objectOf(ok, s.did), commits).All() {
		since, found := member(objectOf(commit, "is"), "since").(float64)
		if found {
			return Receipt{Since: int64(since)}, nil
		}
	}
	return Receipt{}, &Unknown{s.did, s.client.strange(fmt.Errorf("a transaction's answer names no commit"))}
}

// objectOf is the object at key of v, nil when there is none.
func objectOf(v any, key string) *jsontext.Object {
	o, _ := v.(*jsontext.Object)
	return object(o, key)
}
