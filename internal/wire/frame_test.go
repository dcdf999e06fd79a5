package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"

	"github.com/google/go-cmp/cmp"
)

// messages is one of each type with every field set.
func messages() []Message {
	doc := []Document{{ID: "baedreia", Text: []byte(`{"value":1}`)}, {ID: "baedreib"}, {ID: "c", Text: []byte(`{}`)}}
	return []Message{
		&Task{
			Run: "r", Mode: ModeEvent, Charm: "c", Process: "p", Space: "did:key:z", Recipe: "ba4jc", RecipeFile: "news.tsx",
			Argument: []byte(`{"a":[1]}`), Event: []byte(`{}`), Stream: []string{"bgUpdater"}, Now: 12, Seed: 1<<64 - 1,
			APIURL: "http://127.0.0.1:8000", Occasion: "o", Timeout: 30 * time.Second, As: "ba4jcold", Replay: true, Documents: doc,
		},
		&Documents{Seq: 7, Error: "gone", Documents: doc},
		&Code{Recipe: "ba4jc", Error: "e", Program: "exports.default = 1 // \x00 ü"},
		&Reply{
			Op: 3, Status: 200, StatusText: "OK", URL: "https://a/b", Headers: [][2]string{{"content-type", "text/xml"}},
			Redirected: true, Elapsed: time.Second, Error: "e", Code: "blocked", Order: 3, Never: true, Body: []byte{0, 1, 255},
		},
		&CompileRequest{Entry: "a.tsx", Files: map[string]string{"a.tsx": "import './b'", "b.ts": ""}},
		&Hello{Version: Version, PID: 9, Sandbox: []byte(`{"rlimits":{"state":"on"}}`)},
		&Need{Seq: 1, IDs: []string{"a", "b"}},
		&NeedCode{Recipe: "ba4jc"},
		&Fetch{Op: 1, Method: "POST", URL: "/api", Headers: [][2]string{{"a", "b"}}, Redirect: "manual", Account: "google", Body: []byte("x")},
		&Cancel{Op: 1},
		&Log{Lines: []LogLine{{At: 1, Level: "warn", Text: "\x1b[31m\n"}}},
		&Result{
			Run: "r", Ended: Finished, Rejections: []Failure{{"rejection", "add", "Error", "m", "s"}}, Read: []string{"a"},
			Report: Report{
				Handled: true, Updater: true, Name: "n", Integration: "rss", Again: true, Changed: 1,
				Stuck: &Stuck{"lift", "f", "s"}, Failures: []Failure{{Kind: "lift"}}, Cells: []Cell{{"list", CellState, "[]"}},
			},
			CPU: time.Millisecond, PeakBytes: 5, Changed: []Document{{ID: "a", Text: []byte(`{"value":{}}`)}},
		},
		&Compiled{
			Errors: []CompileError{{File: "a.tsx", Line: 1, Column: 2, Text: "t", LineText: "l"}}, Compiler: "v",
			Program: "p", SourceMap: "{}", Source: "s",
		},
	}
}

func TestEveryMessageComesBackAsItWasSent(t *testing.T) {
	t.Parallel()
	sent := map[Type]bool{}
	for _, m := range messages() {
		var pipe bytes.Buffer
		if err := NewWriter(&pipe).Send(m); err != nil {
			t.Fatalf("%T: %v", m, err)
		}
		got, err := NewReader(&pipe, kinds[m.Type()].from).Next()
		if err != nil {
			t.Fatalf("%T: %v", m, err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("%T (-sent +got):\n%s", m, diff)
		}
		sent[m.Type()] = true
	}
	for typ, k := range kinds {
		if !sent[typ] {
			t.Errorf("no example of %s", k.name)
		}
	}
}

func TestAMessageIsOneWriteAndSeveralFollowEachOther(t *testing.T) {
	t.Parallel()
	var pipe countingPipe
	w := NewWriter(&pipe)
	for range 3 {
		for _, m := range messages() {
			if kinds[m.Type()].from == Child {
				if err := w.Send(m); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	r, read := NewReader(&pipe, Child), 0
	for {
		_, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		read++
	}
	if read != pipe.writes {
		t.Errorf("%d messages in %d writes", read, pipe.writes)
	}
}

type countingPipe struct {
	bytes.Buffer
	writes int
}

func (p *countingPipe) Write(b []byte) (int, error) {
	p.writes++
	return p.Buffer.Write(b)
}

// frame builds a frame whose announced lengths may be lies.
func frame(length int, typ Type, headLength int, rest string) string {
	var b []byte
	b = binary.BigEndian.AppendUint32(b, uint32(length))
	b = append(b, byte(typ))
	b = binary.BigEndian.AppendUint32(b, uint32(headLength))
	return string(b) + rest
}

// whole is a frame with true lengths.
func whole(typ Type, head, body string) string {
	return frame(fixedBytes+len(head)+len(body), typ, len(head), head+body)
}

func TestBadFramesAreViolations(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", charm.MaxDepth) + strings.Repeat("]", charm.MaxDepth)
	packed := string(AppendDocuments(nil, []Document{{ID: "a", Text: []byte(`{"v":1}`)}}))
	result := `{"Run":"r","Ended":"finished"}`
	tests := []struct{ name, bytes string }{
		{"unknown type", whole(0, `{}`, "")},
		{"type of the other side", whole(typeTask, `{}`, "")},
		{"longer than any frame", frame(charm.MaxFrameBytes+1, typeResult, 2, `{}`)},
		{"longer than a frame of the type", frame(1<<20, typeCancel, 2, `{}`)},
		{"head longer than allowed", frame(fixedBytes+2<<10, typeCancel, 2<<10, "")},
		{"head longer than the frame", frame(fixedBytes+2, typeLog, 3, `{} `)},
		{"length below the fixed part", frame(0, typeLog, 0, "")},
		{"no head", whole(typeLog, "", "")},
		{"head is null", whole(typeLog, `null`, "")},
		{"head is a list", whole(typeLog, `[]`, "")},
		{"half a head", whole(typeLog, `{"Lines":[`, "")},
		{"bytes after the head", whole(typeLog, `{}{}`, "")},
		{"unknown field", whole(typeLog, `{"Lines":[],"More":1}`, "")},
		{"too deep", whole(typeHello, `{"Version":1,"Sandbox":`+deep+`}`, "")},
		{"body where none belongs", whole(typeCancel, `{"Op":1}`, "x")},
		{"another version", whole(typeHello, `{"Version":2}`, "")},
		{"need of nothing", whole(typeNeed, `{"Seq":1}`, "")},
		{"need of an endless id", whole(typeNeed, `{"IDs":["`+strings.Repeat("a", MaxIDBytes+1)+`"]}`, "")},
		{"endless memo", whole(typeResult, `{"Run":"r","Ended":"finished","Report":{"memo":"`+strings.Repeat("a", MaxMemoBytes)+`"}}`, "")},
		{"made-up log level", whole(typeLog, `{"Lines":[{"Level":"root"}]}`, "")},
		{"fetch without a number", whole(typeFetch, `{"Method":"GET","URL":"/"}`, "")},
		{"fetch without a method", whole(typeFetch, `{"Op":1,"URL":"/"}`, "")},
		{"fetch of nothing", whole(typeFetch, `{"Op":1,"Method":"GET"}`, "")},
		{"long connection", whole(typeFetch, `{"Op":1,"Method":"GET","URL":"/","Account":"`+strings.Repeat("x", 65)+`"}`, "")},
		{"made-up redirect mode", whole(typeFetch, `{"Op":1,"Method":"GET","URL":"/","Redirect":"any"}`, "")},
		{"negative number", whole(typeCancel, `{"Op":-1}`, "")},
		{"made-up ending", whole(typeResult, `{"Run":"r","Ended":"fine"}`, "")},
		{"result of no run", whole(typeResult, `{"Ended":"finished"}`, "")},
		{"load failure without one", whole(typeResult, `{"Run":"r","Ended":"load_failed"}`, "")},
		{"reason of a finished run", whole(typeResult, `{"Run":"r","Ended":"finished","Reason":{}}`, "")},
		{"changes of a failed run", whole(typeResult, `{"Run":"r","Ended":"out_of_memory"}`, packed)},
		{"negative costs", whole(typeResult, `{"Run":"r","Ended":"finished","CPU":-1}`, "")},
		{"half a document", whole(typeResult, result, packed[:len(packed)-1])},
		{"document twice", whole(typeResult, result, packed+packed)},
		{"document without an id", whole(typeResult, result, string(AppendDocuments(nil, []Document{{Text: []byte("{}")}})))},
		{"deleted document", whole(typeResult, result, string(AppendDocuments(nil, []Document{{ID: "a"}})))},
		{"document that is no JSON", whole(typeResult, result, string(AppendDocuments(nil, []Document{{ID: "a", Text: []byte(`{"v":}`)}})))},
		{"document that is a list", whole(typeResult, result, string(AppendDocuments(nil, []Document{{ID: "a", Text: []byte(`[]`)}})))},
		{"deep document", whole(typeResult, result, string(AppendDocuments(nil, []Document{{ID: "a", Text: []byte(`{"v":` + deep + `}`)}})))},
		{"presence byte of neither kind", whole(typeResult, result, "\x00\x00\x00\x01a\x02\x00\x00\x00\x02{}")},
		{"absent document with text", whole(typeResult, result, "\x00\x00\x00\x01a\x00\x00\x00\x00\x02{}")},
		{"compiled with bytes to spare", whole(typeCompiled, `{"Compiler":""}`, strings.Repeat("\x00", 13))},
		{"compiled without its texts", whole(typeCompiled, `{"Compiler":""}`, "\x00\x00\x00\x00")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := NewReader(strings.NewReader(tt.bytes), Child).Next()
			if !IsViolation(err) {
				t.Errorf("got %#v, %v; want a violation", m, err)
			}
		})
	}
}

func TestHalfFramesAreNotViolations(t *testing.T) {
	t.Parallel()
	good := whole(typeLog, `{"Lines":[{"At":1,"Level":"log","Text":"x"}]}`, "")
	for cut := range len(good) {
		_, err := NewReader(strings.NewReader(good[:cut]), Child).Next()
		want := io.ErrUnexpectedEOF
		if cut == 0 {
			want = io.EOF
		}
		if !errors.Is(err, want) {
			t.Errorf("%d of %d bytes: %v, want %v", cut, len(good), err, want)
		}
	}
}

func TestMemoryGrowsWithWhatArrivesNotWithWhatIsAnnounced(t *testing.T) {
	const arrived = 1 << 20
	announced := frame(charm.MaxChangesetBytes, typeResult, 100, strings.Repeat("x", arrived))
	r := NewReader(strings.NewReader(announced), Child)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := r.Next()
	runtime.ReadMemStats(&after)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 8*arrived {
		t.Errorf("allocated %d bytes for %d that arrived", got, arrived)
	}
}

func TestMessagesAboveTheirLimitsAreNotSent(t *testing.T) {
	t.Parallel()
	big := bytes.Repeat([]byte("x"), charm.MaxDocumentBytes)
	tests := map[string]Message{
		"fetch body":  &Fetch{Op: 1, Method: "GET", URL: "/", Body: append(big, 'x')},
		"documents":   &Documents{Documents: []Document{{"a", big}, {"b", big}}},
		"source":      &CompileRequest{Entry: "a", Files: map[string]string{"a": string(big)}},
		"bad message": &Need{},
	}
	for name, m := range tests {
		var pipe bytes.Buffer
		if err := NewWriter(&pipe).Send(m); !IsViolation(err) || pipe.Len() > 0 {
			t.Errorf("%s: %v, %d bytes written", name, err, pipe.Len())
		}
	}
}

func TestAnAbsentDocumentIsNotAnEmptyOne(t *testing.T) {
	t.Parallel()
	docs := []Document{{ID: "a", Text: []byte{}}, {ID: "b"}}
	got, err := SplitDocuments(AppendDocuments(nil, docs))
	if err != nil || got[0].Text == nil || got[1].Text != nil {
		t.Errorf("%#v, %v", got, err)
	}
}

func TestReportIsReadStrictly(t *testing.T) {
	t.Parallel()
	r, err := DecodeReport(`{"handled":true,"updater":false,"name":null,"integration":"rss","again":false,"stuck":null,"failures":[{"kind":"handler","name":"Error","message":"m","stack":""}],"changed":2}`)
	if err != nil || !r.Handled || r.Name != "" || r.Integration != "rss" || r.Changed != 2 || r.Failures[0].Message != "m" {
		t.Errorf("%+v, %v", r, err)
	}
	for _, bad := range []string{``, `null`, `{"outcome":"ok"}`, `{"changed":"2"}`} {
		if _, err := DecodeReport(bad); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}
