package server

import (
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/store"
)

// work carries out what the reader puts, in order. Transactions that wait are
// committed together, and queries that wait look at the store once: a client that
// does not wait for each answer does not wait for the disk each time.
func (c *conn) work() {
	var next task
	for waits := false; ; {
		if !waits {
			select {
			case t, open := <-c.tasks:
				if !open {
					return
				}
				next = t
			case <-c.ending:
				return
			}
		}
		var batch []task
		batch, next, waits = c.gather(next)
		c.carryOut(batch)
		for _, t := range batch {
			if t.done != nil {
				close(t.done)
			}
		}
	}
}

// gather takes those waiting tasks that can be carried out together with first,
// and the one behind them if there is one.
func (c *conn) gather(first task) (batch []task, next task, waits bool) {
	batch = []task{first}
	for len(batch) < tasksAhead {
		select {
		case t, open := <-c.tasks:
			if !open {
				return batch, task{}, false
			}
			if !t.like(first) {
				return batch, t, true
			}
			batch = append(batch, t)
		default:
			return batch, task{}, false
		}
	}
	return batch, task{}, false
}

// like reports whether two tasks can be carried out together.
func (t task) like(other task) bool {
	return t.refused == nil && other.refused == nil && t.request.Cmd == other.request.Cmd &&
		(t.request.Cmd == frames.Transact || t.request.Cmd == frames.Query)
}

// carryOut answers tasks that are alike.
func (c *conn) carryOut(batch []task) {
	if refused := batch[0].refused; refused != nil {
		c.answer(batch[0].request.Job(), c.server.failed(batch[0].request, refused).text)
		return
	}
	requests := make([]*frames.Request, len(batch))
	for i, t := range batch {
		requests[i] = t.request
	}
	switch r := requests[0]; r.Cmd {
	case frames.Transact:
		c.out.await(c.ctx)
		c.server.transact(requests, c.put)
	case frames.Query:
		for len(requests) > 0 {
			c.out.await(c.ctx)
			requests = requests[c.query(requests):]
		}
	case frames.Subscribe:
		if err := c.subscribe(r); err != nil && !c.stopped() {
			c.answer(r.Job(), c.server.failed(r, err).text)
		} // else there is nothing to say until a transaction matches
	case frames.Unsubscribe:
		c.unsubscribe(r)
	default:
		if err := c.server.may(r, memory.MayRead); err != nil {
			c.answer(r.Job(), c.server.failed(r, err).text)
		} // else silence, as in the original
	}
}

// answer puts a result when there is room for it.
func (c *conn) answer(job string, result []byte) {
	c.out.await(c.ctx)
	c.out.answer(message{frames.ReturnOf, job, result})
}

// put is answer where there was room before, and nothing may wait.
func (c *conn) put(r *frames.Request, result result) {
	c.out.answer(message{frames.ReturnOf, r.Job(), result.text})
}

func (c *conn) putAll(requests []*frames.Request, results []result) {
	for i, result := range results {
		c.put(requests[i], result)
	}
}

// looks is how often queries are tried beside the store's writer.
const looks = 3

// query answers the first of requests, and more, and returns how many. An answer
// stands among the effects of its space where it belongs: behind those of all
// transactions that it shows, and before those of all others. Else a client that
// takes what comes last would go back to what is older.
func (c *conn) query(requests []*frames.Request) int {
	for range looks {
		results, seen := c.server.look(requests)
		if c.stopped() {
			return len(requests)
		}
		put := func() { c.putAll(requests, results) }
		placed, behind := c.server.watches.place(c, seen, put)
		// The store answers this when it has told of all that was committed before.
		if behind && c.server.o.Store.Update(c.server.work, func(store.Tx) error { return nil }) == nil {
			c.server.watches.caughtUp(seen)
			placed, _ = c.server.watches.place(c, seen, put)
		}
		if placed {
			return len(results)
		}
	}
	var results []result
	err := c.server.o.Store.Update(c.server.work, func(tx store.Tx) error {
		results, _ = c.server.read(tx, requests)
		tx.AfterCommit(func() { c.putAll(requests, results) })
		return nil
	})
	if c.stopped() {
		return len(requests)
	}
	if err != nil {
		results = []result{c.server.failed(requests[0], err)}
		c.putAll(requests, results)
	}
	return len(results)
}

// stopped reports whether the server stops at once. The connection ends without an
// answer then, and its client asks again elsewhere: an error would be taken for the
// last word on what it asked.
func (c *conn) stopped() bool {
	if c.server.work.Err() == nil {
		return false
	}
	c.cancel()
	return true
}

// subscribe begins to tell of transactions. Who may not read any more when that
// has begun is not told.
func (c *conn) subscribe(r *frames.Request) error {
	selection, err := selectionOf(r.Args)
	if err != nil {
		return err
	}
	list, err := watchesOf(selection)
	if err != nil {
		return err
	}
	if err := c.server.may(r, memory.MayRead); err != nil {
		return err
	}
	if err := c.server.watches.add(c, r, list); err != nil {
		return err
	}
	if err := c.server.may(r, memory.MayRead); err != nil {
		c.server.watches.end(c, r.Job())
		return err
	}
	return nil
}

// unsubscribe ends the job of a subscription and answers for both.
func (c *conn) unsubscribe(r *frames.Request) {
	if err := c.server.may(r, memory.MayRead); err != nil {
		c.answer(r.Job(), c.server.failed(r, err).text)
		return
	}
	if v, _ := r.Args.Get("source"); v != nil {
		if source, ok := v.(string); ok {
			c.server.watches.end(c, source)
			c.answer(source, ended)
		}
	}
	c.answer(r.Job(), ended)
}
