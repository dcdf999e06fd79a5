package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/oklog/ulid/v2"

	"charmd/internal/api"
	"charmd/internal/client"
	"charmd/internal/process"
)

// clicked counts clicks, and shows it.
const clicked = `import { h } from "@commontools/html";
import { handler, recipe, UI } from "@commontools/builder";
const add = handler<any, any>((_event, state) => { state.count = state.count + 1; });
export default recipe({ type: "object", properties: { count: { type: "number", default: 0 } } }, ({ count }: any) => ({
  [UI]: <div><p id="count">{count}</p><button id="add" onClick={add({ count })}>more</button></div>,
  count,
}));
`

// listed shows a list, of which a click changes the first element.
const listed = `import { h } from "@commontools/html";
import { handler, recipe, UI } from "@commontools/builder";
const change = handler<any, any>((_event, { rows }) => { rows[0].text = rows[0].text + "."; });
export default recipe({ type: "object", properties: { rows: { type: "array", default: [] } } }, ({ rows }: any) => ({
  [UI]: <div><button id="add" onClick={change({ rows })}>change</button>
    <table>{rows.map((row: any) => <tr><td>{row.text}</td></tr>)}</table></div>,
  rows,
}));
`

// shownCounter is counting with a page.
const shownCounter = `import { h } from "@commontools/html";
import { handler, recipe, getRecipeEnvironment, UI } from "@commontools/builder";
const add = handler({}, { type: "object", properties: { value: { type: "number", default: 0, asCell: true } } }, (_e, s) => {
  s.value.set(s.value.get() + 1);
  getRecipeEnvironment().again();
});
export default recipe({ type: "object", properties: { value: { type: "number", default: 0 } } }, ({ value }) => ({
  [UI]: <div><p>The count is {value}</p><common-updater $state={value} integration="counter" /></div>,
  value, bgUpdater: add({ value }),
}));
`

const listRows = 2000

// benchPages measures what a person waits for, what is sent, and what open pages
// cost the background.
func benchPages(s settings) (_ report, err error) {
	dir, err := os.MkdirTemp("", "charmd-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := start(dir)
	if err != nil {
		return nil, err
	}
	r, err := interactive(d)
	if err = errors.Join(err, d.Stop()); err != nil {
		return nil, err
	}
	shares, err := besidePages(s)
	return append(r, shares...), err
}

func interactive(d *process.Daemon) (report, error) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	clicks, err := addPage(ctx, d, clicked, "clicks", "{}")
	if err != nil {
		return nil, err
	}
	const clicksMeasured = 50
	one, err := eventToPainted(ctx, d, clicks, clicksMeasured)
	if err != nil {
		return nil, err
	}
	var others []*openPage
	for range 99 {
		p, err := open(ctx, d, clicks)
		if err != nil {
			return nil, err
		}
		others = append(others, p)
		go p.follow(ctx)
	}
	hundred, err := eventToPainted(ctx, d, clicks, clicksMeasured)
	if err != nil {
		return nil, err
	}
	for _, p := range others {
		_ = p.ws.CloseNow()
	}
	r := report{
		{"event_to_painted_p50_ms_1_page", round(median(one))}, {"event_to_painted_p95_ms_1_page", round(p95(one))},
		{"event_to_painted_p50_ms_100_pages", round(median(hundred))}, {"event_to_painted_p95_ms_100_pages", round(p95(hundred))},
	}
	list, err := aRowChanges(ctx, d)
	return append(r, list...), err
}

func p95(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)*95/100]
}

func addPage(ctx context.Context, d *process.Daemon, source, name, argument string) (client.Ref, error) {
	added, err := d.Client.Add(ctx, api.AddRequest{
		Entry: "page.tsx", Files: map[string]string{"page.tsx": source}, Space: "bench", Name: name, NoRegister: true, Argument: json.RawMessage(argument),
	})
	return client.Ref{Space: added.Space, Charm: added.CharmID}, err
}

// aRowChanges is what one changed row of a large list costs.
func aRowChanges(ctx context.Context, d *process.Daemon) (report, error) {
	rows := make([]map[string]string, listRows)
	for i := range rows {
		rows[i] = map[string]string{"text": fmt.Sprintf("row %d", i)}
	}
	argument, err := json.Marshal(map[string]any{"rows": rows})
	if err != nil {
		return nil, err
	}
	ref, err := addPage(ctx, d, listed, "list", string(argument))
	if err != nil {
		return nil, err
	}
	p, err := open(ctx, d, ref)
	if err != nil {
		return nil, err
	}
	defer p.ws.CloseNow()
	var times, sizes []float64
	for range 12 {
		began := time.Now()
		if err := p.click(ctx); err != nil {
			return nil, err
		}
		size, err := p.next(ctx, `"ops"`)
		if err != nil {
			return nil, err
		}
		times, sizes = append(times, float64(time.Since(began).Microseconds())/1000), append(sizes, float64(size))
	}
	return report{
		{"list_rows", listRows}, {"list_bytes", p.first}, {"list_row_changed_bytes", median(sizes)}, {"list_row_changed_p50_ms", round(median(times))},
	}, nil
}

// openPage is a page without a browser.
type openPage struct {
	ws     *websocket.Conn
	button string // the node that is clicked
	first  int    // bytes of what it was told first
	told   atomic.Int64
}

func open(ctx context.Context, d *process.Daemon, ref client.Ref) (*openPage, error) {
	token, err := os.ReadFile(filepath.Join(d.Dir, "admin.token"))
	if err != nil {
		return nil, err
	}
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(d.URL, "http")+"/api/v1/charms/"+ref.Space+"/"+ref.Charm+"/live",
		&websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + strings.TrimSpace(string(token))}}})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(-1)
	_, data, err := ws.Read(ctx)
	if err != nil {
		return nil, err
	}
	p := &openPage{ws: ws, first: len(data)}
	// The name of the node comes before what it is.
	if before, _, found := strings.Cut(string(data), `","e":"button"`); found {
		p.button = before[strings.LastIndex(before, `"`)+1:]
	}
	return p, nil
}

func (p *openPage) click(ctx context.Context) error {
	text := fmt.Sprintf(`{"id":%q,"node":%q,"event":"click","value":{"type":"click"}}`, ulid.Make(), p.button)
	return p.ws.Write(ctx, websocket.MessageText, []byte(text))
}

// next reads until a message holds a text, and returns its size.
func (p *openPage) next(ctx context.Context, text string) (int, error) {
	for {
		_, data, err := p.ws.Read(ctx)
		if err != nil || strings.Contains(string(data), text) {
			return len(data), err
		}
	}
}

// follow takes what the page is told until it is closed.
func (p *openPage) follow(ctx context.Context) {
	for {
		if _, _, err := p.ws.Read(ctx); err != nil {
			return
		}
		p.told.Add(1)
	}
}

const (
	backgroundCharms = 500
	backgroundPages  = 50
	turns            = 3 // windows without pages and with, in turn: the machine is not always as fast
)

// besidePages is how many runs a second 500 counters that always have one due
// commit with 50 of their pages open, and with none.
func besidePages(s settings) (_ report, err error) {
	dir, err := os.MkdirTemp("", "charmd-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := start(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	ctx := context.Background()
	var refs []client.Ref
	for i := range backgroundCharms {
		req := request("", fmt.Sprintf("bench-%d", i%10), fmt.Sprintf("counter-%d", i), "1s")
		req.Entry, req.Files = "counter.tsx", map[string]string{"counter.tsx": shownCounter}
		added, err := d.Client.Add(ctx, req)
		if err != nil {
			return nil, err
		}
		refs = append(refs, client.Ref{Space: added.Space, Charm: added.CharmID})
	}
	var without, with, told float64
	for range turns {
		rate, err := committed(ctx, d, s.window)
		if err != nil {
			return nil, err
		}
		without += rate
		var pages []*openPage
		for _, ref := range refs[:backgroundPages] {
			p, err := open(ctx, d, ref)
			if err != nil {
				return nil, err
			}
			pages = append(pages, p)
			go p.follow(ctx)
		}
		if rate, err = committed(ctx, d, s.window); err != nil {
			return nil, err
		}
		with += rate
		for _, p := range pages {
			told += float64(p.told.Load())
			_ = p.ws.CloseNow()
		}
	}
	return report{
		{"background_per_s_no_page", round(without / turns)}, {"background_per_s_50_pages", round(with / turns)},
		{"background_ratio", round(with / without)}, {"background_messages_per_s_50_pages", round(told / turns / s.window.Seconds())},
	}, nil
}

// committed is how many runs a second end well within the window.
func committed(ctx context.Context, d *process.Daemon, window time.Duration) (float64, error) {
	first, err := d.Client.Status(ctx)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	time.Sleep(window)
	last, err := d.Client.Status(ctx)
	return float64(last.TotalSuccesses-first.TotalSuccesses) / time.Since(began).Seconds(), err
}
