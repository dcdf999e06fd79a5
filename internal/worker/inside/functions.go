package inside

import (
	"charmd/internal/engine"
	"charmd/internal/merkle"
	"charmd/internal/wire"
	"charmd/internal/worker/inside/formats"
	"charmd/internal/worker/inside/webhost"
)

const maxEntropy = 65_536 // bytes a call may ask for, as in browsers

// functions are what the runtime in the VM finds in __host. Each acts on the run
// that is under way.
func (m *Machine) functions() []engine.HostFunc {
	table := []struct {
		name string
		fn   func(r *run, c *engine.Call)
	}{
		{"doc", doc},
		{"put", put},
		{"refer", refer},
		{"log", logLine},
		{"fetch", fetch},
		{"cancel", cancel},
		{"timer", startTimer},
		{"now", func(r *run, c *engine.Call) { c.ReturnNumber(r.clock.read()) }},
		{"entropy", randomBytes},
		{"uuid", func(r *run, c *engine.Call) { c.ReturnString(webhost.UUID([16]byte(r.random.bytes(16)))) }},
		{"env", func(r *run, c *engine.Call) { c.ReturnString(r.env) }},
		{"url", func(_ *run, c *engine.Call) { c.ReturnString(webhost.URL(c.String(0), c.String(1), !c.IsUndefined(1))) }},
		{"urlset", func(_ *run, c *engine.Call) { c.ReturnString(webhost.URLSet(c.String(0), c.String(1), c.String(2))) }},
		{"query", func(_ *run, c *engine.Call) { answer(c)(webhost.Query(c.String(0))) }},
		{"querytext", func(_ *run, c *engine.Call) { answer(c)(webhost.QueryText(c.String(0))) }},
		{"events", func(_ *run, c *engine.Call) { c.ReturnString(webhost.Events(c.String(0))) }},
		{"utf8", func(_ *run, c *engine.Call) { answer(c)(webhost.DecodeText(c.Bytes(0), c.String(1), c.Number(2) == 1)) }},
		{"encode", func(_ *run, c *engine.Call) { c.ReturnBytes(webhost.Encode(c.String(0))) }},
		{"atob", func(_ *run, c *engine.Call) { answer(c)(webhost.Atob(c.String(0))) }},
		{"btoa", func(_ *run, c *engine.Call) { answer(c)(webhost.Btoa(c.String(0))) }},
		{"xml", func(_ *run, c *engine.Call) { answer(c)(webhost.XML(c.String(0), c.String(1))) }},
		{"selector", func(_ *run, c *engine.Call) { c.ReturnString(webhost.Selector(c.String(0))) }},
		{"markdown", func(_ *run, c *engine.Call) { answer(c)(webhost.Markdown(c.String(0), c.String(1))) }},
		{"text", func(_ *run, c *engine.Call) { answer(c)(formats.Text(c.Bytes(0), c.String(1))) }},
		{"header", func(_ *run, c *engine.Call) { c.ReturnString(formats.Header(c.String(0))) }},
		{"multipart", func(_ *run, c *engine.Call) { answer(c)(formats.Multipart(c.Bytes(0), c.String(1))) }},
		{"calendar", func(_ *run, c *engine.Call) { answer(c)(formats.Calendar(c.String(0), c.String(1))) }},
		{"unbase64", unbase64},
		{"digest", digest},
	}
	list := make([]engine.HostFunc, len(table))
	for i, f := range table {
		list[i] = engine.HostFunc{Name: f.name, Fn: func(c *engine.Call) { f.fn(m.run, c) }}
	}
	return list
}

// answer returns a text, or throws the exception that err is.
func answer(c *engine.Call) func(text string, err error) {
	return func(text string, err error) {
		if e, ok := err.(*webhost.Exception); ok {
			c.Throw(e.Name, e.Message)
			return
		}
		if err != nil {
			c.Throw("Error", err.Error())
			return
		}
		c.ReturnString(text)
	}
}

// notYet refuses what needs a run while the recipe's own code is running: what it
// would leave in the heap would be found by every charm of the recipe.
func notYet(r *run, c *engine.Call, what string) bool {
	if r.loading {
		c.Throw("TypeError", what+" while the recipe is being loaded; do it in a handler or a lift")
	}
	return r.loading
}

func doc(r *run, c *engine.Call) {
	if notYet(r, c, "no document can be read") {
		return
	}
	text, err := r.docs.get(r, c.String(0))
	if err != nil {
		c.End(err)
	}
	c.ReturnString(text)
}

func put(r *run, c *engine.Call) {
	if notYet(r, c, "no document can be changed") {
		return
	}
	if err := r.docs.put(c.String(0), c.String(1)); err != nil {
		c.End(err)
	}
}

func refer(_ *run, c *engine.Call) {
	ref, err := merkle.ReferText(c.String(0))
	switch {
	case err != nil:
		c.Throw("Error", err.Error())
	case c.String(1) == "link":
		c.ReturnString(ref.Link())
	default:
		c.ReturnString(ref.String())
	}
}

func digest(_ *run, c *engine.Call) {
	sum, err := webhost.Digest(c.String(0), c.Bytes(1))
	if err != nil {
		answer(c)("", err)
		return
	}
	c.ReturnBytes(sum)
}

func unbase64(_ *run, c *engine.Call) {
	b, err := formats.Base64(c.String(0))
	if err != nil {
		answer(c)("", err)
		return
	}
	c.ReturnBytes(b)
}

func logLine(r *run, c *engine.Call) {
	level := c.String(0)
	if !wire.IsLevel(level) {
		level = "log"
	}
	r.log.add(r.clock.now, level, c.String(1))
}

func fetch(r *run, c *engine.Call) {
	if notYet(r, c, "no request can be made") {
		return
	}
	if err := r.fetch(c.Number(0), c.String(1), c.Bytes(2)); err != nil {
		c.Throw("TypeError", err.Error())
	}
}

func cancel(r *run, c *engine.Call) {
	op := c.Number(0)
	if !r.fetches.cancel(op, r.m.host) {
		r.timers.cancel(op)
	}
}

func startTimer(r *run, c *engine.Call) {
	r.timers.start(r, c.Number(0), c.Number(1), c.Number(2) == 1)
}

func randomBytes(r *run, c *engine.Call) {
	n := c.Number(0)
	if !(n >= 0 && n <= maxEntropy) {
		c.Throw("QuotaExceededError", "at most 65536 random bytes can be had at once")
		return
	}
	c.ReturnBytes(r.random.bytes(int(n)))
}
