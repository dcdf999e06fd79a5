package prelude_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"charmd/internal/engine"
	"charmd/internal/merkle"
	"charmd/internal/prelude"
	"charmd/internal/recipe"
	"charmd/internal/wire"
	"charmd/internal/worker/inside/webhost"
)

const (
	apiURL = "http://toolshed.test"
	space  = "did:key:z6MkspaceOfTheTest"
)

// reply is what the test's network answers; an empty one refuses the request.
type reply struct {
	Status  int         `json:"status"`
	Body    string      `json:"body"`
	Headers [][2]string `json:"headers"`
}

// request is one that reached the test's network.
type request struct {
	URL, Method string
	Headers     [][2]string
	Body        string
}

// host is the world around a VM: documents in a map, a clock that jumps to the next timer, and
// replies from a table.
type host struct {
	docs    map[string]string
	replies map[string]reply

	now      float64
	timers   map[float64]*timer
	replied  []func(vm *engine.VM) error
	asked    map[string]int
	put      []string
	logs     []string
	requests []request
	canceled []float64
	entropy  uint64
	nested   int // calls of live
}

type timer struct {
	due, every float64
}

func newHost() *host {
	return &host{docs: map[string]string{}, replies: map[string]reply{}, now: 1_750_000_000_000}
}

// begin forgets what belongs to one run.
func (h *host) begin() {
	h.timers, h.asked = map[float64]*timer{}, map[string]int{}
	h.replied, h.put, h.logs, h.requests, h.canceled = nil, nil, nil, nil, nil
}

func (h *host) functions() []engine.HostFunc {
	reply := func(c *engine.Call, text string, err error) {
		if e, ok := err.(*webhost.Exception); ok {
			c.Throw(e.Name, e.Message)
		} else if err != nil {
			c.Throw("Error", err.Error())
		} else {
			c.ReturnString(text)
		}
	}
	return []engine.HostFunc{
		{Name: "doc", Fn: func(c *engine.Call) {
			h.asked[c.String(0)]++
			c.ReturnString(h.docs[c.String(0)])
		}},
		{Name: "put", Fn: func(c *engine.Call) {
			h.put = append(h.put, c.String(0))
			h.docs[c.String(0)] = c.String(1)
		}},
		{Name: "refer", Fn: func(c *engine.Call) {
			ref, err := merkle.ReferText(c.String(0))
			text := ref.Link()
			if c.String(1) == "string" {
				text = ref.String()
			}
			reply(c, text, err)
		}},
		{Name: "log", Fn: func(c *engine.Call) { h.logs = append(h.logs, c.String(0)+" "+c.String(1)) }},
		{Name: "fetch", Fn: func(c *engine.Call) { h.fetch(c.Number(0), c.String(1), string(c.Bytes(2))) }},
		{Name: "cancel", Fn: func(c *engine.Call) {
			h.canceled = append(h.canceled, c.Number(0))
			delete(h.timers, c.Number(0))
		}},
		{Name: "timer", Fn: func(c *engine.Call) {
			t := &timer{due: h.now + c.Number(1)}
			if c.Number(2) == 1 {
				t.every = max(1, c.Number(1))
			}
			h.timers[c.Number(0)] = t
		}},
		{Name: "now", Fn: func(c *engine.Call) { c.ReturnNumber(h.now) }},
		{Name: "entropy", Fn: func(c *engine.Call) { c.ReturnBytes(h.random(int(c.Number(0)))) }},
		{Name: "uuid", Fn: func(c *engine.Call) { c.ReturnString(webhost.UUID([16]byte(h.random(16)))) }},
		{Name: "url", Fn: func(c *engine.Call) { c.ReturnString(webhost.URL(c.String(0), c.String(1), !c.IsUndefined(1))) }},
		{Name: "urlset", Fn: func(c *engine.Call) { c.ReturnString(webhost.URLSet(c.String(0), c.String(1), c.String(2))) }},
		{Name: "query", Fn: func(c *engine.Call) { text, err := webhost.Query(c.String(0)); reply(c, text, err) }},
		{Name: "querytext", Fn: func(c *engine.Call) { text, err := webhost.QueryText(c.String(0)); reply(c, text, err) }},
		{Name: "events", Fn: func(c *engine.Call) { c.ReturnString(webhost.Events(c.String(0))) }},
		{Name: "utf8", Fn: func(c *engine.Call) {
			text, err := webhost.DecodeText(c.Bytes(0), c.String(1), c.Number(2) == 1)
			reply(c, text, err)
		}},
		{Name: "encode", Fn: func(c *engine.Call) { c.ReturnBytes(webhost.Encode(c.String(0))) }},
		{Name: "atob", Fn: func(c *engine.Call) { text, err := webhost.Atob(c.String(0)); reply(c, text, err) }},
		{Name: "btoa", Fn: func(c *engine.Call) { text, err := webhost.Btoa(c.String(0)); reply(c, text, err) }},
		{Name: "xml", Fn: func(c *engine.Call) { text, err := webhost.XML(c.String(0), c.String(1)); reply(c, text, err) }},
		{Name: "selector", Fn: func(c *engine.Call) { c.ReturnString(webhost.Selector(c.String(0))) }},
		{Name: "markdown", Fn: func(c *engine.Call) {
			text, err := webhost.Markdown(c.String(0), c.String(1))
			reply(c, text, err)
		}},
		{Name: "digest", Fn: func(c *engine.Call) {
			sum, err := webhost.Digest(c.String(0), c.Bytes(1))
			if err != nil {
				reply(c, "", err)
				return
			}
			c.ReturnBytes(sum)
		}},
		{Name: "env", Fn: func(c *engine.Call) { c.ReturnString(`{"apiUrl":"` + apiURL + `","occasion":"occasion-1"}`) }},
	}
}

func (h *host) random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		h.entropy = h.entropy*6364136223846793005 + 1442695040888963407
		b[i] = byte(h.entropy >> 56)
	}
	return b
}

func (h *host) fetch(op float64, head, body string) {
	var r request
	var parts struct {
		Method, URL string
		Headers     [][2]string
	}
	if err := json.Unmarshal([]byte(head), &parts); err != nil {
		panic(err)
	}
	r = request{URL: parts.URL, Method: parts.Method, Headers: parts.Headers, Body: body}
	h.requests = append(h.requests, r)
	answer, known := h.replies[strings.TrimPrefix(r.URL, apiURL)]
	text := `{"error":"connection refused","code":"connect"}`
	if known {
		text = encoded(map[string]any{"status": answer.Status, "statusText": "", "url": r.URL, "headers": append([][2]string{}, answer.Headers...), "redirected": false})
	}
	h.replied = append(h.replied, func(vm *engine.VM) error {
		_, err := vm.Call("settle", op, text, []byte(answer.Body))
		return err
	})
}

// next settles one reply, or else the timers that are due next. It answers whether there was one
// that a run waits for: intervals alone keep no run alive.
func (h *host) next(vm *engine.VM) (bool, error) {
	if len(h.replied) > 0 {
		settle := h.replied[0]
		h.replied = h.replied[1:]
		return true, settle(vm)
	}
	waits, due := false, math.Inf(1)
	for _, t := range h.timers {
		waits = waits || t.every == 0
		due = min(due, t.due)
	}
	if !waits {
		return false, nil
	}
	h.now = max(h.now, due)
	for _, op := range slices.Sorted(maps.Keys(h.timers)) {
		t := h.timers[op]
		if t == nil || t.due > due {
			continue
		}
		if t.due += t.every; t.every == 0 {
			delete(h.timers, op)
		}
		if _, err := vm.Call("settle", op, "", []byte(nil)); err != nil {
			return false, err
		}
		if err := vm.Pump(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// machine is a VM with a recipe loaded, frozen as it is before every run.
type machine struct {
	*host
	vm     *engine.VM
	image  *engine.Image
	loaded loaded
	id     string // of the recipe

	wakeful bool               // runs are given no memo
	memos   map[string]*memory // by name of the charm
}

// memory is what the service keeps of a charm's last run for the next one.
type memory struct {
	memo json.RawMessage
	docs map[string]string // as that run left them
}

type loaded struct {
	OK             bool
	ArgumentSchema json.RawMessage
	Error          struct{ Name, Message, Stack string }
	Recipe         json.RawMessage // the recipe's JSON
}

type failure struct{ Kind, Name, Message, Stack string }

type report struct {
	Handled, Updater, Again bool
	Name, Integration       *string
	Stuck                   *struct{ What, Name, Stack string }
	Failures                []failure
	Changed                 int
	Memo                    json.RawMessage

	logs       []string
	rejections []*engine.Error
}

// load compiles source and evaluates it on a fresh VM.
func load(t testing.TB, source string, h *host) *machine {
	t.Helper()
	compiled := recipe.Compile(wire.CompileRequest{Entry: "recipe.tsx", Files: map[string]string{"recipe.tsx": source}})
	if len(compiled.Errors) > 0 {
		return &machine{host: h, loaded: loaded{Error: struct{ Name, Message, Stack string }{"", fmt.Sprint(compiled.Errors), ""}}}
	}
	// At the end of the recipe's code its graph is logged as JSON.
	program := compiled.Program + "\nconsole.debug('recipe ' + JSON.stringify(module.exports.default));"
	return loadProgram(t, program, recipe.ID(source), h)
}

func loadProgram(t testing.TB, program, id string, h *host) *machine {
	t.Helper()
	vm, err := engine.New(engine.Options{ArenaBytes: 32 << 20, Host: h.functions()})
	check(t, err)
	t.Cleanup(func() { check(t, vm.Close()) })
	h.begin()
	check(t, vm.LoadLibrary(prelude.File, prelude.Source))
	check(t, vm.Root(prelude.Root))
	check(t, vm.Load(recipe.File, recipe.Wrap(program)))
	check(t, vm.Pump())
	m := &machine{host: h, vm: vm, id: id, memos: map[string]*memory{}}
	text, err := vm.Call("loaded")
	check(t, err)
	decode(t, text, &m.loaded)
	for _, line := range h.logs {
		if text, ok := strings.CutPrefix(line, "debug recipe "); ok && text != "undefined" {
			m.loaded.Recipe = json.RawMessage(text)
		}
	}
	m.image, err = vm.Freeze()
	check(t, err)
	return m
}

func charmID(name string) merkle.Ref { return merkle.EntityID(nil, name) }

// task is what one run is asked to do.
type task map[string]any

// run makes one run on the charm called name.
func (m *machine) run(t testing.TB, name string, extra task) report {
	t.Helper()
	id := charmID(name)
	task := task{"charm": id.Link(), "process": merkle.ProcessID(id).Link(), "space": space, "recipe": m.id, "run": "run-1"}
	maps.Copy(task, extra)
	last := m.memos[name]
	if last != nil && !m.wakeful {
		task["memo"], task["stale"] = last.memo, m.since(last.docs)
	}
	m.begin()
	check(t, m.vm.Restore(m.image))
	m.vm.Seed(1)
	_, err := m.vm.Call("start", encoded(task))
	check(t, err)
	for more := true; more; {
		check(t, m.vm.Pump())
		more, err = m.next(m.vm)
		check(t, err)
	}
	text, err := m.vm.Call("finish")
	check(t, err)
	var r report
	decode(t, text, &r)
	r.logs, r.rejections = m.logs, m.vm.Rejections()
	if r.Memo != nil {
		m.memos[name] = &memory{memo: r.Memo}
	}
	if m.memos[name] != nil {
		m.memos[name].docs = maps.Clone(m.docs)
	}
	return r
}

// since are the documents that are not what they were before.
func (h *host) since(before map[string]string) []string {
	stale := []string{}
	for id := range h.docs {
		if h.docs[id] != before[id] {
			stale = append(stale, id)
		}
	}
	for id := range before {
		if _, ok := h.docs[id]; !ok {
			stale = append(stale, id)
		}
	}
	return stale
}

func (m *machine) cast(t testing.TB, name string, argument any) report {
	t.Helper()
	return m.run(t, name, task{"mode": "cast", "argument": argument})
}

func (m *machine) send(t testing.TB, name, stream string, event any) report {
	t.Helper()
	extra := task{"mode": "event", "stream": []string{stream}}
	if event != nil {
		extra["event"] = event
	}
	return m.run(t, name, extra)
}

// settle makes a run without an event: everything is instantiated and computed anew.
func (m *machine) settle(t testing.TB, name string) report {
	t.Helper()
	return m.send(t, name, "no such stream", struct{}{})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func decode(t testing.TB, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

func encoded(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
