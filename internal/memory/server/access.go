package server

import (
	"errors"
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/store"
)

// published are the identities whose keys the original publishes. What they
// signed, anyone may have.
var published = map[string]bool{
	identity.ServiceDID: true, identity.AnonymousDID: true, identity.SystemSpaceDID: true, identity.DefaultRemoteSpaceDID: true,
}

// check reads a request and finds out whether its issuer signed it for now. An
// error: it is no request.
func (s *Server) check(text []byte) (task, error) {
	r, err := frames.ParseRequest(text)
	if err != nil {
		return task{}, err
	}
	return task{request: r, refused: s.authentic(r)}, nil
}

func (s *Server) authentic(r *frames.Request) error {
	if err := r.Verify(); err != nil {
		return err
	}
	if _, err := identity.ParseDID(r.Sub); err != nil {
		return noAuthority(r) // in the original such a space is open to all
	}
	now := s.o.Now()
	if exp, ok := r.Time("exp"); ok && now.After(exp.Add(charm.MaxSkew)) {
		return frames.Unauthorized("The invocation has expired")
	}
	if iat, ok := r.Time("iat"); ok && now.Before(iat.Add(-charm.MaxSkew)) {
		return frames.Unauthorized("The invocation was issued in the future")
	}
	return nil
}

// Signed is the request that a header of another request holds, in which somebody
// who may write its space signs a command that is not the memory's.
func (s *Server) Signed(text, cmd string) (*frames.Request, error) {
	t, err := s.check([]byte(text))
	if err == nil {
		err = t.refused
	}
	if err == nil && t.request.Cmd != cmd {
		err = frames.Unauthorized("The invocation is of another command")
	}
	if err == nil {
		err = s.may(t.request, memory.MayWrite)
	}
	return t.request, err
}

func noAuthority(r *frames.Request) error {
	return frames.Unauthorized(fmt.Sprintf("Principal %s has no authority over %s space", r.Iss, r.Sub))
}

// byRight reports whether the issuer may do everything in the space whatever its
// ACL says: as the operator, or as the space itself.
func (s *Server) byRight(issuer, space string) bool {
	if issuer == s.o.Operator || s.o.Dev && issuer == identity.ServiceDID {
		return true
	}
	return issuer == space && (s.o.Dev || !published[issuer])
}

// allow returns nil when the issuer of r may do what needs the right.
func (s *Server) allow(tx store.Reader, space charm.Space, r *frames.Request, right memory.Right) error {
	if s.byRight(r.Iss, r.Sub) {
		return nil
	}
	granted, err := memory.Granted(tx, space, r.Iss)
	if err == nil && granted < right {
		err = noAuthority(r)
	}
	return err
}

// spaceOf is the space of a request. One that nobody has written to is empty.
func spaceOf(tx store.Reader, r *frames.Request) (charm.Space, error) {
	space, err := tx.Space(r.Sub)
	if errors.Is(err, store.ErrNotFound) {
		return charm.Space{DID: r.Sub, Since: -1}, nil
	}
	return space, err
}
