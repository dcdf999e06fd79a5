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

// transact commits what requests ask for, one after the other, and puts the
// results in their order: that of a transaction right behind its effects, from the
// store's writer, which put must not hold up.
func (s *Server) transact(requests []*frames.Request, put func(*frames.Request, result)) {
	put = s.counts.counting(put)
	var drafts []*memory.Draft
	of := map[*memory.Draft]*frames.Request{}
	commit := func() {
		s.o.Memory.TransactAll(s.work, drafts, func(d *memory.Draft, err error) { put(of[d], s.failed(of[d], err)) })
		drafts = nil
	}
	for _, r := range requests {
		d, err := memory.Received(r.Sub, r.Object, r.Ref)
		if err != nil {
			commit()
			put(r, s.failed(r, err))
			continue
		}
		right := memory.MayWrite
		if d.Granting() {
			right = memory.MayOwn
		}
		d.Allowed = func(tx store.Reader, space charm.Space) error {
			if err := s.allow(tx, space, r, right); err != nil {
				return err
			}
			return s.o.Room() // not told to those who may not write
		}
		d.Committed = func(receipt memory.Receipt) { put(r, committed(r.Sub, receipt, d.Text())) }
		drafts, of[d] = append(drafts, d), r
	}
	commit()
}

// moment is how far the log of a space had come when it was read.
type moment struct {
	space string
	since int64
}

// query answers a request over HTTP.
func (s *Server) query(requests []*frames.Request, put func(*frames.Request, result)) {
	results, _ := s.look(requests)
	put(requests[0], results[0])
}

// look answers queries as of one moment: at least the first of them, and those
// behind it while the answers are not long.
func (s *Server) look(requests []*frames.Request) (results []result, seen []moment) {
	ctx, cancel := context.WithTimeout(s.work, queryWithin)
	defer cancel()
	err := s.o.Store.View(ctx, func(tx store.Reader) error {
		results, seen = s.read(tx, requests)
		return nil
	})
	if err != nil {
		return []result{s.failed(requests[0], err)}, nil
	}
	return results, seen
}

func (s *Server) read(tx store.Reader, requests []*frames.Request) (results []result, seen []moment) {
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
			found, err = find(tx, space, r.Args, s.o.Limits.AnswerBytes)
		}
		if err != nil {
			results = append(results, s.failed(r, err))
			continue
		}
		results, bytes = append(results, answered(r.Sub, found)), bytes+len(found)
		seen = append(seen, moment{r.Sub, space.Since})
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
