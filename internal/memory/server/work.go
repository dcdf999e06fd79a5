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
		c.answerAll(requests, c.server.transact(requests))
	case frames.Query:
		c.query(requests)
	case frames.Subscribe:
		if err := c.subscribe(r); err != nil {
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

func (c *conn) answer(job string, result []byte) {
	c.out.answer(c.ctx, message{frames.ReturnOf, job, result})
}

func (c *conn) answerAll(requests []*frames.Request, results []result) {
	for i, result := range results {
		c.answer(requests[i].Job(), result.text)
	}
}

// query answers when the effects of all transactions that the answers show have
// been put before them: else a client would go back to what an effect says that
// is older than the answer.
func (c *conn) query(requests []*frames.Request) {
	for len(requests) > 0 {
		results, seen := c.server.look(requests)
		for _, m := range seen {
			if !c.server.watches.behind(c, m.space, m.since) {
				continue
			}
			// The store answers this when it has told of all that was committed before.
			if c.server.o.Store.Update(c.server.work, func(store.Tx) error { return nil }) == nil {
				c.server.watches.caughtUp(m.space, m.since)
			}
		}
		c.answerAll(requests, results)
		requests = requests[len(results):]
	}
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
