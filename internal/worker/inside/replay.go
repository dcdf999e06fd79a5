package inside

import (
	"time"

	"charmd/internal/wire"
)

// time is now as timers see it: real, or in a replay what the run's clock says.
func (r *run) time() time.Time {
	if !r.task.Replay {
		return time.Now()
	}
	return r.began.Add(time.Duration((r.clock.now - float64(r.task.Now)) * float64(time.Millisecond)))
}

// again brings the VM the next thing of a replay. Nothing has to be waited for,
// so replies come in the order in which they came, and timers between them as the
// run's clock says: the same each time, however long anything takes now.
func (r *run) again() error {
	r.log.flush()
	if err := r.gather(); err != nil {
		return err
	}
	reply, arrives := r.fetches.first(r.clock.now)
	if due, any := r.timers.next(); any {
		at := r.timers.list[0].at
		switch {
		case reply != nil && arrives < at:
		case due.After(r.deadline):
			if reply == nil {
				return errExpired
			}
		default:
			op, _ := r.timers.fire(&r.clock, due)
			return r.deliver(op, "", nil)
		}
	}
	if reply == nil {
		return errExpired // what is left was never answered
	}
	return r.arrived(reply)
}

// gather waits until every open request has its answer.
func (r *run) gather() error {
	for r.fetches.unanswered() {
		select {
		case reply := <-r.m.host.Replies():
			if q, ok := r.fetches.open[reply.Op]; ok {
				q.reply = reply
				r.fetches.open[reply.Op] = q
			}
		case <-r.expired:
			return errExpired
		}
	}
	return nil
}

func (f *fetches) unanswered() bool {
	for _, q := range f.open {
		if q.reply == nil {
			return true
		}
	}
	return false
}

// first is the reply that comes next, and when it does on the run's clock; nil
// when there is none.
func (f *fetches) first(now float64) (reply *wire.Reply, at float64) {
	for _, q := range f.open {
		if !q.reply.Never && (reply == nil || q.reply.Order < reply.Order || q.reply.Order == reply.Order && q.reply.Op < reply.Op) {
			reply, at = q.reply, max(now, q.began+float64(q.reply.Elapsed)/float64(time.Millisecond))
		}
	}
	return reply, at
}
