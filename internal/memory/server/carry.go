package server

import (
	"context"
	"time"

	"charmd/internal/charm"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/store"
)

// queryWithin is how long queries that are carried out together may read, and
// together how many bytes of answers they find.
const (
	queryWithin = 30 * time.Second
	together    = 1 << 20
)

// transact commits what requests ask for, one after the other.
func (s *Server) transact(requests []*frames.Request) []result {
	results := make([]result, len(requests))
	var drafts []*memory.Draft
	var at []int // the place in results of each draft
	for i, r := range requests {
		d, err := memory.Received(r.Sub, r.Object, r.Ref)
		if err != nil {
			results[i] = s.failed(r, err)
			continue
		}
		right := memory.MayWrite
		if d.Granting() {
			right = memory.MayOwn
		}
		d.Allowed = func(tx store.Reader, space charm.Space) error { return s.allow(tx, space, r, right) }
		drafts, at = append(drafts, d), append(at, i)
	}
	for i, outcome := range s.o.Memory.TransactAll(s.work, drafts) {
		r := requests[at[i]]
		if outcome.Err != nil {
			results[at[i]] = s.failed(r, outcome.Err)
		} else {
			results[at[i]] = committed(r.Sub, outcome.Receipt, drafts[i].Text())
		}
	}
	return results
}

// query answers requests as of one moment: at least the first of them, and those
// behind it while the answers are not long.
func (s *Server) query(requests []*frames.Request) []result {
	results, _ := s.look(requests)
	return results
}

// moment is how far the log of a space had come when it was read.
type moment struct {
	space string
	since int64
}

func (s *Server) look(requests []*frames.Request) (results []result, seen []moment) {
	ctx, cancel := context.WithTimeout(s.work, queryWithin)
	defer cancel()
	err := s.o.Store.View(ctx, func(tx store.Reader) error {
		bytes := 0
		for _, r := range requests {
			if bytes > together {
				break
			}
			space, err := spaceOf(tx, r)
			if err == nil {
				err = s.allow(tx, space, r, memory.MayRead)
			}
			var found []byte
			if err == nil {
				found, err = find(tx, space, r.Args)
			}
			if err != nil {
				results = append(results, s.failed(r, err))
				continue
			}
			results, bytes = append(results, answered(r.Sub, found)), bytes+len(found)
			seen = append(seen, moment{r.Sub, space.Since})
		}
		return nil
	})
	if err != nil && len(results) == 0 {
		results = append(results, s.failed(requests[0], err))
	}
	return results, seen
}

// may returns nil when the issuer of r has the right in its space.
func (s *Server) may(r *frames.Request, right memory.Right) error {
	if s.byRight(r.Iss, r.Sub) {
		return nil
	}
	return s.o.Store.View(s.work, func(tx store.Reader) error {
		space, err := spaceOf(tx, r)
		if err != nil {
			return err
		}
		return s.allow(tx, space, r, right)
	})
}
