package client

import (
	"context"
	"errors"
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
)

// Conflict says that a memory was not what a transaction was made for; nothing of
// the transaction was written.
type Conflict struct {
	Space string // DID
	Place
	Expected merkle.Ref // zero: that nothing was there
	Actual   *Fact      // nil: nothing is there
}

func (c *Conflict) Error() string {
	switch {
	case c.Actual == nil:
		return fmt.Sprintf("%s of %s in %s was expected to be %s, and there is none", c.The, c.Of, c.Space, c.Expected)
	case c.Expected.IsZero():
		return fmt.Sprintf("%s of %s in %s was expected to be new, and it is %s", c.The, c.Of, c.Space, c.Actual.Ref)
	}
	return fmt.Sprintf("%s of %s in %s was expected to be %s, and it is %s", c.The, c.Of, c.Space, c.Expected, c.Actual.Ref)
}

// Unknown says that a transaction was sent, its answer never came, and what the
// toolshed holds now does not tell whether it was applied.
type Unknown struct {
	Space string // DID
	Err   error  // what kept the answer away
}

func (u *Unknown) Error() string {
	return fmt.Sprintf("whether a transaction in %s was applied is not known: %v", u.Space, u.Err)
}

// Unwrap is what kept the answer away.
func (u *Unknown) Unwrap() error { return u.Err }

var (
	// errLost means that the connection ended between a request and its answer.
	errLost = errors.New("the connection ended before the answer came")
	// errMoved means that others have written on since.
	errMoved = errors.New("the answer was lost, and others have changed everything since that it changed")
)

func errClosed() error {
	return charm.Errorf(charm.CodeCancelled, "the connection to the toolshed was closed")
}

// refused is an error that the toolshed answered with.
func (s *Space) refused(err error) error {
	failure, ok := errors.AsType[*frames.Error](err)
	if !ok {
		return s.client.strange(err)
	}
	switch failure.Name {
	case frames.ConflictError:
		conflict, err := readConflict(object(failure.Body, "conflict"))
		if err != nil {
			return s.client.strange(err)
		}
		return conflict
	case frames.AuthorizationError:
		return charm.Errorf(charm.CodeForbidden, "the toolshed at %s does not let %s into the space %s", s.client.base, s.key.DID(), s.did).
			WithHint("the owner of the space, or an identity that it has granted this to, may")
	}
	return charm.Errorf(charm.CodeInvalid, "the toolshed at %s refuses: %s", s.client.base, failure.Message)
}

func readConflict(o *jsontext.Object) (*Conflict, error) {
	c := &Conflict{Space: text(o, "space"), Place: Place{text(o, "the"), text(o, "of")}}
	var err error
	if c.Expected, err = readLink(member(o, "expected")); err != nil {
		return nil, err
	}
	c.Actual, err = readFact(member(o, "actual"))
	return c, err
}

// strange is an answer that this client does not understand.
func (c *Client) strange(err error) error {
	return charm.Errorf(charm.CodeUnavailable, "what answers at %s is not a toolshed as charmd knows it: %w", c.base, err)
}

// gaveUp is the error of a call that was not waited for any longer.
func (c *Client) gaveUp(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down != nil {
		e := charm.Errorf(charm.CodeUnavailable, "%w", c.down)
		e.Err = errors.Join(ctx.Err(), c.down)
		return e
	}
	return fmt.Errorf("waiting for the toolshed at %s: %w", c.base, ctx.Err())
}
