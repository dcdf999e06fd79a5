package inside

import (
	"errors"
	"time"

	"charmd/internal/engine"
	"charmd/internal/wire"
)

// settle lets the run go on until it is at rest: it runs the VM's jobs and brings
// it what it waits for, in the order in which that arrives.
func (r *run) settle() error {
	for {
		if err := r.m.vm.Pump(); err != nil {
			return err
		}
		if len(r.fetches.ready) > 0 {
			if err := r.arrived(r.fetches.takeReady()); err != nil {
				return err
			}
			continue
		}
		if r.timers.live == 0 && len(r.fetches.open) == 0 {
			return r.inTime()
		}
		if err := r.wait(); err != nil {
			return err
		}
	}
}

// inTime is errExpired when the deadline has passed, also before the timer that
// watches it has noticed: what is set then is due after it.
func (r *run) inTime() error {
	if time.Now().After(r.deadline) {
		return errExpired
	}
	return nil
}

// wait brings the VM the next thing that happens.
func (r *run) wait() error {
	if r.task.Replay {
		return r.again()
	}
	if op, fired := r.timers.fire(&r.clock, time.Now()); fired {
		return r.deliver(op, "", nil)
	}
	r.log.flush()
	var due <-chan time.Time
	if at, any := r.timers.next(); any {
		t := time.NewTimer(time.Until(at))
		defer t.Stop()
		due = t.C
	}
	select {
	case reply := <-r.m.host.Replies():
		return r.arrived(reply)
	case <-due:
		return nil
	case <-r.expired:
		return errExpired
	}
}

// arrived brings a reply, unless nobody waits for it any more.
func (r *run) arrived(reply *wire.Reply) error {
	f, ok := r.fetches.end(reply.Op)
	if !ok {
		return nil
	}
	r.clock.moveTo(f.began + float64(reply.Elapsed)/float64(time.Millisecond))
	return r.deliver(f.op, replyHead(reply), reply.Body)
}

// deliver settles one operation of the runtime. What a callback throws, nobody
// can catch: it is an error that nobody handled.
func (r *run) deliver(op float64, head string, body []byte) error {
	if body == nil {
		body = []byte{}
	}
	_, err := r.m.vm.Call("settle", op, head, body)
	if thrown, ok := errors.AsType[*engine.Error](err); ok {
		r.thrown = append(r.thrown, *failure("rejection", thrown))
		return nil
	}
	return err
}
