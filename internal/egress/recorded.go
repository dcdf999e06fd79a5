package egress

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"time"
	"unicode/utf8"
)

// Recorded is one request and what came of it, as it is kept to run a charm again
// without a network; people write the same to try a recipe. Whatever may be a
// secret is taken out.
type Recorded struct {
	Method     string          `json:"method,omitempty"` // "" is GET
	URL        string          `json:"url"`
	Digest     string          `json:"digest,omitempty"` // of the request's headers and body; "" fits any
	Status     int             `json:"status,omitempty"` // 0 is 200
	StatusText string          `json:"statusText,omitempty"`
	Headers    [][2]string     `json:"headers,omitempty"`
	FinalURL   string          `json:"finalUrl,omitempty"` // after redirects, when there were any
	Body       json.RawMessage `json:"body,omitempty"`     // a text, or JSON as it is
	Base64     string          `json:"base64,omitempty"`   // a body that is no text
	Elapsed    time.Duration   `json:"elapsed,omitempty"`  // nanoseconds
	Code       Code            `json:"code,omitempty"`     // there was no reply: why
	Error      string          `json:"error,omitempty"`    // the same for people
	Pending    bool            `json:"pending,omitempty"`  // there was no reply as long as the run took
	TooLarge   bool            `json:"tooLarge,omitempty"` // the reply was not kept
}

// Recorded is what the requests of the run came to, in the order in which they
// did. Bodies that take more than most bytes together are left out.
func (l *Log) Recorded(most int) []Recorded {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Recorded, 0, len(l.ended))
	for _, r := range l.ended {
		e := r.asked
		e.Status, e.StatusText, e.Headers = r.reply.Status, r.reply.StatusText, headersWithoutSecrets(r.reply.Headers)
		e.Elapsed, e.Pending, e.TooLarge = r.entry.Elapsed, r.pending, r.err == nil && !r.kept && !r.pending
		if r.reply.Redirected {
			e.FinalURL = withoutSecrets(r.reply.URL)
		}
		if failure, ok := errors.AsType[*Error](r.err); ok && !r.pending {
			e.Code, e.Error = failure.Code, failure.Message
		}
		if most -= len(r.reply.Body); most < 0 {
			e.TooLarge = !e.Pending
		} else if !e.Pending {
			e.setBody(bodyWithoutSecrets(r.reply.Headers, r.reply.Body))
		}
		list = append(list, e)
	}
	return list
}

// askedFor is what is kept of a request: no more of its headers and body than what
// tells it from others.
func askedFor(req Request) Recorded {
	return Recorded{Method: methodOf(req), URL: withoutSecrets(req.URL), Digest: digest(req)}
}

func methodOf(req Request) string {
	if method, ok := normalMethod(req.Method); ok && method != "GET" {
		return method
	}
	return ""
}

func digest(req Request) string {
	key := keyOf(Request{Headers: headersWithoutSecrets(req.Headers), Body: req.Body, Redirect: req.Redirect})
	return base64.RawURLEncoding.EncodeToString(key[:12])
}

func (e *Recorded) setBody(body []byte) {
	switch {
	case len(body) == 0:
	case utf8.Valid(body):
		e.Body, _ = json.Marshal(string(body)) // a text always marshals
	default:
		e.Base64 = base64.StdEncoding.EncodeToString(body)
	}
}

// body is the reply's body: what Body says as a text, or as it stands.
func (e *Recorded) body() ([]byte, error) {
	if e.Base64 != "" {
		return base64.StdEncoding.DecodeString(e.Base64)
	}
	var text string
	if json.Unmarshal(e.Body, &text) == nil {
		return []byte(text), nil
	}
	return e.Body, nil
}

// Tape answers requests from a record.
type Tape struct {
	list []Recorded
	used []bool
}

// NewTape answers from list.
func NewTape(list []Recorded) *Tape { return &Tape{list, make([]bool, len(list))} }

// Answer is what a Tape has for a request.
type Answer struct {
	Reply   Reply
	Err     *Error // in place of a reply
	Order   int    // when it came, counted from 1 among all answers of the record
	Never   bool   // there was no answer as long as the run took
	Elapsed time.Duration
}

// Answer is the first answer to such a request that was not given yet, or the
// last one once more when the record was written by hand. False: there is none.
// The caller sees to it that it is not called twice at once.
func (t *Tape) Answer(req Request) (a Answer, ok bool) {
	at := slices.IndexFunc(t.list, func(e Recorded) bool { return e.fits(req) })
	for i := at; i >= 0 && i < len(t.list); i++ {
		if t.list[i].fits(req) && (!t.used[i] || t.list[i].Digest == "") {
			if at = i; !t.used[i] {
				break
			}
		}
	}
	if at < 0 || t.used[at] && t.list[at].Digest != "" {
		return a, false
	}
	t.used[at] = true
	e := t.list[at]
	a = Answer{Order: at + 1, Never: e.Pending, Elapsed: e.Elapsed}
	host := hostOf(req.URL)
	switch {
	case e.TooLarge:
		a.Err = newError(CodeNotRecorded, host, "the reply was too large to be kept, so it cannot be given again")
		return a, true
	case e.Error != "" || e.Code != "":
		a.Err = &Error{Code: e.Code, Host: host, Message: e.Error}
		return a, true
	}
	body, err := e.body()
	if err != nil {
		a.Err = newError(CodeNotRecorded, host, "the recorded body is not base64")
		return a, true
	}
	a.Reply = Reply{Status: e.Status, StatusText: e.StatusText, Headers: e.Headers, URL: e.FinalURL, Redirected: e.FinalURL != "", Body: body, Elapsed: e.Elapsed}
	if a.Reply.Status == 0 {
		a.Reply.Status, a.Reply.StatusText = 200, "OK"
	}
	if a.Reply.URL == "" {
		a.Reply.URL = req.URL
	}
	return a, true
}

// EntryOf is the ledger's row for a request that a Tape answered.
func EntryOf(req Request, reply Reply, err error) Entry {
	e := Entry{Method: methodOf(req), URL: redactURL(req.URL), Host: hostOf(req.URL), Verdict: VerdictLocal, Status: reply.Status, Elapsed: reply.Elapsed}
	if e.Method == "" {
		e.Method = "GET"
	}
	if reply.Redirected {
		e.Host = hostOf(reply.URL)
	}
	if err != nil {
		e.Error = err.Error()
	}
	return e
}

// NotRecorded is the failure of a request that a Tape has nothing for.
func NotRecorded(req Request) *Error {
	method := methodOf(req)
	if method == "" {
		method = "GET"
	}
	return newError(CodeNotRecorded, "", "%s %s was not recorded, and nothing is asked of the network", method, withoutSecrets(req.URL))
}

// Unanswered is what is told of a request that was never answered.
func Unanswered(req Request) *Error {
	return newError(CodeCanceled, hostOf(req.URL), "there was no answer as long as the run took, or waited")
}

func (e *Recorded) fits(req Request) bool {
	method := methodOf(Request{Method: e.Method})
	return method == methodOf(req) && withoutSecrets(e.URL) == withoutSecrets(req.URL) && (e.Digest == "" || e.Digest == digest(req))
}
