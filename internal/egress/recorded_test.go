package egress

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// taped sends requests through a Log that is answered by answer, and returns the
// record of it as it is kept.
func taped(t *testing.T, most int, answer func(Request) (Reply, error), requests ...Request) ([]Recorded, string) {
	t.Helper()
	l := NewLog()
	for _, req := range requests {
		_, _, _, _ = l.Do(t.Context(), func() (Reply, Entry, error) {
			reply, err := answer(req)
			return reply, Entry{Elapsed: time.Millisecond}, err
		}, req)
	}
	text, err := json.Marshal(l.Recorded(most))
	if err != nil {
		t.Fatal(err)
	}
	var list []Recorded
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	return list, string(text)
}

func TestARecordAnswersWhatWasAsked(t *testing.T) {
	t.Parallel()
	page := Request{URL: "https://example.org/list?pageToken=1&access_token=sesame", Headers: [][2]string{{"Authorization", "Bearer sesame"}, {"accept", "x"}}}
	other := page
	other.URL = strings.Replace(page.URL, "pageToken=1", "pageToken=2", 1)
	post := Request{Method: "post", URL: "https://example.org/list", Body: []byte("refresh_token=sesame")}
	raw := Request{URL: "https://example.org/image"}
	down := Request{URL: "https://down.example/"}
	list, text := taped(t, 1<<20, func(req Request) (Reply, error) {
		switch req.URL {
		case raw.URL:
			return Reply{Status: 200, Body: []byte{0xff, 0}}, nil
		case down.URL:
			return Reply{}, newError(CodeConnect, "down.example", "cannot connect")
		}
		return Reply{Status: 203, StatusText: "So", URL: "https://b.example/?key=sesame", Redirected: true, Elapsed: time.Millisecond,
			Headers: [][2]string{{"content-type", "application/json"}, {"set-cookie", "id=sesame"}},
			Body:    []byte(`{"access_token":"sesame","nextPageToken":"3","of":` + `"` + req.URL[len(req.URL)-3:] + `"}`)}, nil
	}, page, page, other, post, raw, down)
	if strings.Contains(strings.ReplaceAll(text, `"of":\"ame\"`, ""), "sesame") {
		t.Errorf("there are secrets in %s", text)
	}

	tape := NewTape(list)
	ask := func(req Request) Answer {
		t.Helper()
		a, ok := tape.Answer(req)
		if !ok {
			t.Errorf("%s %s is not in the record", req.Method, req.URL)
		}
		return a
	}
	if a := ask(other); a.Order != 3 {
		t.Errorf("the other page came as number %d", a.Order)
	}
	// Another secret is the same request.
	page.Headers = [][2]string{{"Authorization", "Bearer open"}, {"accept", "x"}}
	page.URL = strings.Replace(page.URL, "sesame", "open", 1)
	first := ask(page)
	want := Reply{Status: 203, StatusText: "So", URL: "https://b.example/?key=[redacted]", Redirected: true, Elapsed: time.Millisecond,
		Headers: [][2]string{{"content-type", "application/json"}, {"set-cookie", Redacted}},
		Body:    []byte(`{"access_token":"[redacted]","nextPageToken":"3","of":"ame"}`)}
	if diff := cmp.Diff(want, first.Reply); diff != "" || first.Order != 1 {
		t.Errorf("number %d: %s", first.Order, diff)
	}
	if a := ask(page); a.Order != 2 {
		t.Errorf("the second came as number %d", a.Order)
	}
	if _, ok := tape.Answer(page); ok {
		t.Error("a third was answered")
	}
	if a := ask(raw); string(a.Reply.Body) != "\xff\x00" || a.Reply.URL != raw.URL || a.Reply.Redirected {
		t.Errorf("%+v", a)
	}
	if a := ask(down); a.Err == nil || a.Err.Code != CodeConnect || a.Err.Message != "down.example: cannot connect" {
		t.Errorf("%+v", a)
	}
	page.Headers[1][1] = "y"
	post.Body = []byte("else")
	for _, req := range []Request{page, post, {URL: "https://example.org/"}} {
		if _, ok := tape.Answer(req); ok {
			t.Errorf("%s is not what was asked", req.URL)
		}
	}
	if err := NotRecorded(post); !strings.Contains(err.Message, "POST https://example.org/list was not recorded") || err.Code.Remote() {
		t.Error(err)
	}
}

func TestWhatHasNoReplyInARecord(t *testing.T) {
	t.Parallel()
	big := func(req Request) (Reply, error) {
		if strings.HasSuffix(req.URL, "hangs") {
			_, err := cancelled(req)
			return Reply{}, err
		}
		return Reply{Status: 200, Body: make([]byte, 600)}, nil
	}
	get := func(path string) Request { return Request{URL: "https://example.org/" + path} }
	list, _ := taped(t, 1000, big, get("a"), get("b"), get("hangs"))
	tape := NewTape(list)
	if a, ok := tape.Answer(get("a")); !ok || len(a.Reply.Body) != 600 {
		t.Errorf("%+v", a)
	}
	if a, ok := tape.Answer(get("b")); !ok || a.Err == nil || a.Err.Code != CodeNotRecorded {
		t.Errorf("%+v", a)
	}
	if a, ok := tape.Answer(get("hangs")); !ok || !a.Never {
		t.Errorf("%+v", a)
	}
}

// A request that a run had no answer to is asked again when the run is made again,
// and then counts as what it came to.
func TestARepetitionReplacesWhatHung(t *testing.T) {
	t.Parallel()
	l := NewLog()
	req := Request{URL: "https://example.org/"}
	_, _, _, _ = l.Do(context.Background(), func() (Reply, Entry, error) {
		_, err := cancelled(req)
		return Reply{}, Entry{}, err
	}, req)
	if list := l.Recorded(1); len(list) != 1 || !list[0].Pending {
		t.Errorf("%+v", list)
	}
	l.Rewind()
	_, _, _, _ = l.Do(context.Background(), func() (Reply, Entry, error) { return Reply{Status: 200}, Entry{}, nil }, req)
	if list := l.Recorded(1); len(list) != 1 || list[0].Pending || list[0].Status != 200 {
		t.Errorf("%+v", list)
	}
}

func TestARecordWrittenByHand(t *testing.T) {
	t.Parallel()
	var list []Recorded
	err := json.Unmarshal([]byte(`[
		{"url":"https://a.example/","body":{"n":1}},
		{"url":"https://a.example/","body":"two"},
		{"method":"POST","url":"https://a.example/","status":503,"base64":"_"}]`), &list)
	if err != nil {
		t.Fatal(err)
	}
	tape := NewTape(list)
	for i, want := range []string{`{"n":1}`, "two", "two"} {
		a, ok := tape.Answer(Request{Method: "GET", URL: "https://a.example/", Headers: [][2]string{{"x", "y"}}})
		if !ok || string(a.Reply.Body) != want || a.Reply.Status != 200 || a.Reply.StatusText != "OK" {
			t.Errorf("%d: %+v", i, a)
		}
	}
	if a, ok := tape.Answer(Request{Method: "POST", URL: "https://a.example/"}); !ok || a.Err == nil {
		t.Errorf("a body that is none: %+v", a)
	}
}

func TestSecretsByTheirNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Authorization": true, "X-Api-Key": true, "api_key": true, "access_token": true, "refreshToken": true, "Cookie": true, "set-cookie": true,
		"client_secret": true, "key": true, "sig": true, "X-Amz-Signature": true, "code": true, "password": true,
		"pageToken": false, "nextPageToken": false, "syncToken": false, "token_type": false, "startPageToken": false, "page": false,
		"nextAccessToken": true, "sync_secret": true, "continuation_password": true, "session_type": true, "user[password]": true, "api.key": true, "Access Token": true,
		"page_access_token": true, "q": false, "keyword": false, "etag": false,
	} {
		if secret(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
	form := [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}}
	for in, want := range map[string]string{
		`{"a":[{"token":"x","code":"y","id_token":""}]}`: `{"a":[{"token":"[redacted]","code":"y","id_token":""}]}`,
		`{"plain": 1}`: `{"plain": 1}`,
		`{"tokens":["x",{"a":"y"}],"session":{"id":"x","of":{"b":[7]}},"pin_secret":1234,"next_token":[]}`: `{"tokens":"[redacted]","session":"[redacted]","pin_secret":"[redacted]","next_token":[]}`,
		`{"token":null,"secret":false,"cookie":{},"password":""}`:                                          `{"token":null,"secret":false,"cookie":{},"password":""}`,
		`{"error":{"code":404,"key":"k"},"Code":"c"}`:                                                      `{"error":{"code":404,"key":"k"},"Code":"c"}`,
		"{\"token\":\"x\"}\r\n\n{\"a\":1}\nplain\n{\"secret\":2}":                                          "{\"token\":\"[redacted]\"}\r\n\n{\"a\":1}\nplain\n{\"secret\":\"[redacted]\"}",
		")]}'\n{\"token\":\"x\"}\n":                                                                        ")]}'\n{\"token\":\"[redacted]\"}\n",
		"\ufeff{\"token\":\"x\"}":                                                                          "\ufeff{\"token\":\"[redacted]\"}",
		"event: a\ndata: {\"token\":\"x\"}\n\n":                                                            "event: a\ndata: {\"token\":\"[redacted]\"}\n\n",
		`not json`:                                                                                         `not json`,
	} {
		if got := string(bodyWithoutSecrets(nil, []byte(in))); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	if got := string(bodyWithoutSecrets(form, []byte("access_token=x&scope=y"))); got != "access_token=[redacted]&scope=y" {
		t.Error(got)
	}
	if got := string(bodyWithoutSecrets(form, []byte("access%5Ftoken=x&%74oken=y&a=%zz"))); got != "access%5Ftoken=[redacted]&%74oken=[redacted]&a=%zz" {
		t.Error(got)
	}
	headers := headersWithoutSecrets([][2]string{
		{"location", "/next?code=x&page=2#access_token=x"}, {"Content-Location", "https://a.example/?sig=x"}, {"x-note", "token=x"},
		{"link", `<https://a.example/?page=2&access_token=x>; rel="next", </last?key=x>; rel="last"`},
	})
	if diff := cmp.Diff([][2]string{
		{"location", "/next?code=[redacted]&page=2"}, {"Content-Location", "https://a.example/?sig=[redacted]"}, {"x-note", "token=x"},
		{"link", `<https://a.example/?page=2&access_token=[redacted]>; rel="next", </last?key=[redacted]>; rel="last"`},
	}, headers); diff != "" {
		t.Error(diff)
	}
	if got := withoutSecrets("https://user:pw@a.example/p?token=x&q=1#frag"); got != "https://a.example/p?token=[redacted]&q=1" {
		t.Error(got)
	}
}

// Whatever a reply holds, a JSON text stays one when its secrets are taken out, and
// nothing is found in it a second time.
func FuzzBodyWithoutSecrets(f *testing.F) {
	f.Add([]byte(`{"token":{"a":[1]},"b":[{"secret":1}]}`))
	f.Add([]byte(")]}'\n[{\"token\":\"x\"}]\n"))
	f.Add([]byte("\ufeff{\"token\":1}\n{\"jwt\":\"x\"}"))
	f.Add([]byte("data:"))
	f.Fuzz(func(t *testing.T, body []byte) {
		clean := bodyWithoutSecrets(nil, body)
		if again := bodyWithoutSecrets(nil, clean); !bytes.Equal(again, clean) {
			t.Errorf("%q becomes %q and then %q", body, clean, again)
		}
		if json.Valid(body) && !json.Valid(clean) {
			t.Errorf("%q becomes %q", body, clean)
		}
	})
}
