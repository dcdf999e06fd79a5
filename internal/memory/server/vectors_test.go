package server_test

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"charmd/internal/jsontext"
)

type recordedFrame struct {
	Dir, Conn, Note, Type, Frame string
	Code                         int
}

type scenario struct {
	Name   string
	Frames []recordedFrame
}

func recordings(t *testing.T) []scenario {
	t.Helper()
	data, err := os.ReadFile("testdata/frames-websocket.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Scenarios []scenario }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Scenarios
}

// differences are the recorded requests that are deliberately answered otherwise,
// by the note they were recorded with. docs/compatibility.md has each with the
// reason; deviations_test.go has what is done instead.
var differences = map[string]string{
	"claim that memory is unclaimed -> foreign key failure surfaces as TransactionError": "the claim holds",
	"after unsubscribe: effect still sent under the first subscription id":               "the effect comes under the subscription that is left",
	"still sent":                          "no subscription is left",
	"expired long ago: accepted":          "refused",
	"non-DID space: any issuer may read":  "refused",
	"non did:key DID: any issuer":         "refused",
	"malformed did:key space: any issuer": "refused",
}

// differs reports whether the exchange that begins at the i-th frame is not replayed.
func (s scenario) differs(i int) bool {
	if _, ok := differences[s.Frames[i].Note]; ok {
		return true
	}
	// Values that the original's storage cannot hold.
	return s.Name == "value-round-trip" && i+1 < len(s.Frames) && strings.Contains(s.Frames[i+1].Frame, `"error":{"name":"ConflictError"`)
}

// Every recorded scenario is played to a real server over real sockets, in the
// order recorded; what the server says is compared byte by byte.
func TestRecordedFrames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dev)
	left := map[string]bool{}
	compared := 0
	for _, s := range recordings(t) {
		conns := map[string]*client{}
		conn := func(name string) *client {
			if conns[name] == nil {
				conns[name] = w.dial()
			}
			return conns[name]
		}
		for i := 0; i < len(s.Frames); i++ {
			f := s.Frames[i]
			if f.Dir == "C>S" {
				if s.differs(i) {
					left[f.Note] = true
					for i+1 < len(s.Frames) && s.Frames[i+1].Dir == "S>C" {
						i++
					}
					continue
				}
				conn(f.Conn).play(f.Frame)
				continue
			}
			compared++
			if f.Code != 0 {
				if e := conn(f.Conn).closed(); int(e.Code) != f.Code || e.Reason != "" {
					t.Errorf("%s: closed with %v, want %d", s.Name, e, f.Code)
				}
				continue
			}
			got, err := conn(f.Conn).read()
			if err != nil {
				t.Fatalf("%s: frame %d: %v", s.Name, i, err)
			}
			if want := unstacked(f.Frame); got != want && !sameRows(t, s, got, want) {
				t.Errorf("%s: %s\n got %s\nwant %s", s.Name, s.Frames[i-1].Note, short(got), short(want))
			}
		}
		for _, c := range conns {
			_ = c.ws.Close(websocket.StatusNormalClosure, "")
		}
	}
	for note := range differences {
		if !left[note] {
			t.Errorf("nothing was recorded with the note %q", note)
		}
	}
	if compared < 120 {
		t.Errorf("only %d frames were compared", compared)
	}
}

// sameRows compares what queries found: the order of what wildcards find is not specified.
func sameRows(t *testing.T, s scenario, got, want string) bool {
	return s.Name == "queries" && jsontext.Equal(parse(t, got), parse(t, want))
}

func (c *client) play(frame string) {
	c.t.Helper()
	kind, data := websocket.MessageText, []byte(frame)
	if text, ok := strings.CutPrefix(frame, "<binary "); ok {
		var err error
		if data, err = hex.DecodeString(strings.TrimSuffix(text, ">")); err != nil {
			c.t.Fatal(err)
		}
		kind = websocket.MessageBinary
	}
	if err := c.ws.Write(c.t.Context(), kind, data); err != nil {
		c.t.Fatal(err)
	}
}

type exchange struct {
	Note    string
	Request struct {
		Method, Path string
		Headers      map[string]string
		Body         *string
	}
	Response struct {
		Status  int
		Headers map[string]string
		Body    string
	}
}

// otherwise are the recorded HTTP requests that are deliberately answered
// otherwise: the original answers 200 {"ok":{}} whatever happened.
var otherwise = map[string]struct {
	status int
	begins string
}{
	"PATCH transact ok":                                            {200, `{"ok":{"did:key:z6Mkk377Si11dmGrcbY9pwA9mwTUJDDamGiavSu4zdEFoTVw":{"application/commit+json":{"`},
	"PATCH conflict is hidden: still 200 {ok:{}}":                  {409, `{"error":{"name":"ConflictError","stack":"","message":"The application/json of `},
	"PATCH unauthorized is hidden too":                             {401, `{"error":{"name":"AuthorizationError","message":"Principal `},
	"PATCH with nonce: validator strips it (unauthorized, hidden)": {409, `{"error":{"name":"ConflictError"`}, // it is signed, so it is kept
	"PATCH bad shape":                                              {422, `{"success":false,"error":{"issues":[{"code":"invalid_literal","expected":"/memory/transact","path":["invocation","cmd"]`},
	"PATCH no content type":                                        {415, `{"error":{"name":"TypeError"`},
	"POST query: result is NOT returned, 200 {ok:{}}":              {200, `{"ok":{"did:key:z6Mkk377Si11dmGrcbY9pwA9mwTUJDDamGiavSu4zdEFoTVw":{"of:ba4jcbykkzv5phnx476vckpsrdnuy4cn3acrwle566ibyygqebfrutto7":{"application/json":{"ba4jcauyuqfdmhr7gme5tygf5npre4uth4b7fa2hqkf3fc4fio3hwvaut":{"is":{"v":1}}}}}}}`},
}

func TestRecordedHTTP(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/frames-http-memory.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Exchanges []exchange }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	seen := 0
	for _, e := range file.Exchanges {
		body := ""
		if e.Request.Body != nil {
			body = *e.Request.Body
		}
		status, kind, got := w.request(e.Request.Method, e.Request.Path, body, e.Request.Headers)
		if want, ok := otherwise[e.Note]; ok {
			seen++
			if status != want.status || !strings.HasPrefix(got, want.begins) {
				t.Errorf("%s: %d %s\nwant %d %s", e.Note, status, short(got), want.status, want.begins)
			}
			continue
		}
		if status != e.Response.Status || got != e.Response.Body || kind != e.Response.Headers["content-type"] {
			t.Errorf("%s: %d %s %s\nwant %d %s %s", e.Note, status, kind, short(got), e.Response.Status, e.Response.Headers["content-type"], short(e.Response.Body))
		}
	}
	if seen != len(otherwise) || len(file.Exchanges) < 13 {
		t.Errorf("%d of %d differences were met in %d exchanges", seen, len(otherwise), len(file.Exchanges))
	}
}

func (w *world) request(method, path, body string, headers map[string]string) (status int, kind, answer string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.http.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := io.Copy(&b, resp.Body); err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), b.String()
}
