package inside

import (
	"encoding/json"
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/wire"
)

// fetches are the requests of a run.
type fetches struct {
	open  map[uint64]request // by the number on the wire
	ready []*wire.Reply      // of requests that were refused here
	count int                // of all, those that were refused included
}

// refused is how many there were beyond what a run may make.
func (f *fetches) refused() int { return max(0, f.count-charm.MaxRequestsPerRun) }

type request struct {
	op    float64     // the runtime's number, which starts anew with every run
	began float64     // on the run's clock, ms
	reply *wire.Reply // of a replay, until its time comes
	here  bool        // it was refused here, and the service never heard of it
}

// fetchHead is what the runtime says of a request.
type fetchHead struct {
	Method   string      `json:"method"`
	URL      string      `json:"url"`
	Headers  [][2]string `json:"headers"`
	Redirect string      `json:"redirect"`
	Account  string      `json:"connection"`
}

// fetch begins a request; one that cannot be made gets an error as its reply.
func (r *run) fetch(op float64, head string, body []byte) error {
	var h fetchHead
	if err := json.Unmarshal([]byte(head), &h); err != nil {
		return fmt.Errorf("the request's head: %w", err)
	}
	m := r.m
	m.lastOp++
	if r.fetches.open == nil {
		r.fetches.open = map[uint64]request{}
	}
	r.fetches.open[m.lastOp] = request{op: op, began: r.clock.now}
	refuse := func(code charm.ErrorCode, text string) {
		r.fetches.open[m.lastOp] = request{op: op, began: r.clock.now, here: true}
		r.fetches.ready = append(r.fetches.ready, &wire.Reply{Op: m.lastOp, Error: text, Code: string(code)})
	}
	if r.fetches.count++; r.fetches.refused() > 0 {
		refuse(charm.CodeEgressLimit, fmt.Sprintf("a run may make %d requests", charm.MaxRequestsPerRun))
		return nil
	}
	err := m.host.Fetch(&wire.Fetch{Op: m.lastOp, Method: h.Method, URL: h.URL, Headers: h.Headers, Redirect: h.Redirect, Account: h.Account, Body: body})
	if err != nil {
		refuse(charm.CodeInvalid, err.Error())
	}
	return nil
}

// end takes a request off the list; false when it is not on it.
func (f *fetches) end(op uint64) (request, bool) {
	q, ok := f.open[op]
	delete(f.open, op)
	return q, ok
}

// cancel forgets a request by the runtime's number; false when there is none.
func (f *fetches) cancel(op float64, host Host) bool {
	for number, q := range f.open {
		if q.op == op {
			f.drop(number, q, host)
			return true
		}
	}
	return false
}

// abandon cancels what is open when the run ends.
func (f *fetches) abandon(host Host) {
	for number, q := range f.open {
		f.drop(number, q, host)
	}
}

func (f *fetches) drop(number uint64, q request, host Host) {
	delete(f.open, number)
	if !q.here {
		host.Cancel(number)
	}
}

func (f *fetches) takeReady() *wire.Reply {
	reply := f.ready[0]
	f.ready = f.ready[1:]
	return reply
}

// replyHead is what the runtime is told of a reply.
func replyHead(r *wire.Reply) string {
	var head any
	if r.Error != "" {
		head = struct {
			Error string `json:"error"`
			Code  string `json:"code,omitempty"`
		}{r.Error, r.Code}
	} else {
		headers := r.Headers
		if headers == nil {
			headers = [][2]string{}
		}
		head = struct {
			Status     int         `json:"status"`
			StatusText string      `json:"statusText"`
			URL        string      `json:"url"`
			Headers    [][2]string `json:"headers"`
			Redirected bool        `json:"redirected"`
		}{r.Status, r.StatusText, r.URL, headers, r.Redirected}
	}
	text, _ := json.Marshal(head) // strings and numbers always marshal
	return string(text)
}
