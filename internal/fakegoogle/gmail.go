package fakegoogle

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const mailScope = "https://www.googleapis.com/auth/gmail.readonly"

// Mail is a message in the mailbox.
type Mail struct {
	ID          string
	Subject     string // as it stands in the header
	Body        []byte
	Type        string // Content-Type of the body; "" is text/plain; charset="UTF-8"
	Attachments []string
	Labels      []string
	Thread      string // "" is one of its own
	Date        time.Time

	number int    // in the order in which they were received
	data   string // the body as it is given, once it was asked for
}

// MailRules are how Gmail behaves. The zero value of each is its usual way.
type MailRules struct {
	Units    int           // quota a second; 0: 250
	Daily    int           // quota a day (UTC); 0: none
	Keeps    time.Duration // for so long it knows what has changed; 0: for ever
	Status   int           // every answer is this error
	Bare     bool          // without Retry-After
	Cut      int           // so many connections are cut before an answer
	Truncate int           // so many batches are cut off in the middle
	Refuse   int           // so many calls in batches are answered 429
	Broken   int           // so many batches are answered 500
	Stale    func()        // the next page token of a list is refused, as an old one is, after this has happened; nil: it is good
	Hold     chan struct{} // answers come when it is closed; nil: at once
}

// Mailbox is the mails of everybody at this Google, behind the Gmail API: profile,
// messages.list, messages.get, history.list and batches, with quotas. It is safe for
// concurrent use.
type Mailbox struct {
	now     func() time.Time
	mu      sync.Mutex
	rules   MailRules
	mails   []*Mail // oldest first
	history []record
	last    int // history id
	kept    int // the history before it is gone
	second  int64
	used    int // units in this second
	most    int
	over    int
	day     int64
	today   int            // units in this day
	fetched map[string]int // how often each mail was given, by "id format"
}

// record is one change; of what it says the API gives one field.
type record struct {
	id     int
	at     time.Time
	kind   string // messagesAdded, messagesDeleted, labelsAdded, labelsRemoved
	mail   string
	labels []string
}

// Gmail adds the Gmail API to g.
func (g *Google) Gmail() *Mailbox {
	m := &Mailbox{now: g.now, last: 1000, kept: 1000, fetched: map[string]int{}}
	handle := func(pattern string, units int, fn func(w http.ResponseWriter, r *http.Request)) {
		g.HandleAPI(pattern, mailScope, func(w http.ResponseWriter, r *http.Request, _ Account) {
			if m.admit(w, r, units) {
				fn(w, r)
			}
		})
	}
	handle("GET /gmail/v1/users/me/profile", 1, func(w http.ResponseWriter, _ *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		Answer(w, http.StatusOK, map[string]any{"emailAddress": g.Account.Email, "messagesTotal": len(m.mails), "threadsTotal": len(m.mails), "historyId": strconv.Itoa(m.last)})
	})
	handle("GET /gmail/v1/users/me/messages", 5, m.list)
	handle("GET /gmail/v1/users/me/messages/{id}", 5, m.get)
	handle("GET /gmail/v1/users/me/history", 2, m.changes)
	handle("POST /batch/gmail/v1", 0, m.batch)
	return m
}

// Change changes how it behaves from now on.
func (m *Mailbox) Change(fn func(*MailRules)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fn(&m.rules)
}

func (m *Mailbox) note(kind, mail string, labels ...string) {
	m.last++
	m.history = append(m.history, record{m.last, m.now(), kind, mail, labels})
}

// Receive adds mails, the newest last.
func (m *Mailbox) Receive(mails ...Mail) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, mail := range mails {
		m.note("messagesAdded", mail.ID)
		mail.number = m.last
		m.mails = append(m.mails, &mail)
	}
}

// Delete removes a mail.
func (m *Mailbox) Delete(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails = slices.DeleteFunc(m.mails, func(mail *Mail) bool { return mail.ID == id })
	m.note("messagesDeleted", id)
}

// Label gives a mail its labels.
func (m *Mailbox) Label(id string, labels ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mail := m.find(id)
	if mail == nil {
		return
	}
	missing := func(from []string) func(string) bool { return func(l string) bool { return !slices.Contains(from, l) } }
	given, taken := only(labels, missing(mail.Labels)), only(mail.Labels, missing(labels))
	mail.Labels = labels
	if len(given) > 0 {
		m.note("labelsAdded", id, given...)
	}
	if len(taken) > 0 {
		m.note("labelsRemoved", id, taken...)
	}
}

func only(list []string, is func(string) bool) (out []string) {
	for _, l := range list {
		if is(l) {
			out = append(out, l)
		}
	}
	return out
}

// Mails are those there are, the oldest first.
func (m *Mailbox) Mails() (list []Mail) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, mail := range m.mails {
		list = append(list, *mail)
	}
	return list
}

// Forget loses the history up to now, as Gmail does after about a week.
func (m *Mailbox) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	m.history, m.kept = nil, m.last
}

// Quota is the most units that were used in a second, and how many requests were over
// the quota.
func (m *Mailbox) Quota() (most, over int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.most, m.over
}

// Fetched is how many mails were given since it was asked last, by format.
func (m *Mailbox) Fetched() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]int{}
	for key, n := range m.fetched {
		_, format, _ := strings.Cut(key, " ")
		out[format] += n
	}
	clear(m.fetched)
	return out
}

func (m *Mailbox) find(id string) *Mail {
	for _, mail := range slices.Backward(m.mails) {
		if mail.ID == id {
			return mail
		}
	}
	return nil
}

// admit answers what is over the quota, and on bad days everything.
func (m *Mailbox) admit(w http.ResponseWriter, r *http.Request, units int) bool {
	now := m.now()
	m.mu.Lock()
	hold, status, bare := m.rules.Hold, m.rules.Status, m.rules.Bare
	if now.Unix() != m.second {
		m.second, m.used = now.Unix(), 0
	}
	if day := now.Unix() / 86400; day != m.day {
		m.day, m.today = day, 0
	}
	cut := m.rules.Cut > 0
	m.rules.Cut = max(0, m.rules.Cut-1)
	most := m.rules.Units
	if most == 0 {
		most = 250
	}
	over := m.used+units > most
	if over {
		m.over++
	} else {
		m.used += units
		m.most = max(m.most, m.used)
	}
	m.today += units
	spent := m.rules.Daily > 0 && m.today > m.rules.Daily
	m.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return false
		}
	}
	if status != 0 && !bare {
		w.Header().Set("Retry-After", "1")
	}
	switch {
	case cut:
		panic(http.ErrAbortHandler)
	case status >= 500:
		apiError(w, status, "UNAVAILABLE", "backendError", "The service is currently unavailable.")
	case spent:
		apiError(w, http.StatusForbidden, "PERMISSION_DENIED", "dailyLimitExceeded", "Daily Limit Exceeded. The quota will be reset at midnight Pacific Time (PT).")
	case status != 0:
		apiError(w, status, "RESOURCE_EXHAUSTED", "userRateLimitExceeded", "User Rate Limit Exceeded")
	case over:
		w.Header().Set("Retry-After", "1")
		apiError(w, http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "rateLimitExceeded", "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'")
	default:
		return true
	}
	return false
}

func reference(id string) map[string]string { return map[string]string{"id": id, "threadId": "t" + id} }

// thread is the id of the mail's thread.
func (mail *Mail) thread() string { return cmp.Or(mail.Thread, "t"+mail.ID) }

func (mail *Mail) has(label string) bool { return slices.Contains(mail.Labels, label) }

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return otherwise
}

func (m *Mailbox) get(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.give(w, r.PathValue("id"), r.URL.Query())
}

// give answers messages.get. The caller holds mu.
func (m *Mailbox) give(w http.ResponseWriter, id string, q url.Values) {
	mail := m.find(id)
	if mail == nil {
		apiError(w, http.StatusNotFound, "NOT_FOUND", "notFound", "Requested entity was not found.")
		return
	}
	m.fetched[id+" "+q.Get("format")]++
	reply := map[string]any{
		"id": mail.ID, "threadId": mail.thread(), "labelIds": mail.Labels, "snippet": mail.Subject, "historyId": strconv.Itoa(m.last),
		"internalDate": strconv.FormatInt(mail.Date.UnixMilli(), 10), "sizeEstimate": len(mail.Body),
	}
	if q.Get("format") != "minimal" {
		reply["payload"] = mail.payload(!q.Has("fields"))
	}
	Answer(w, http.StatusOK, reply)
}

func (mail *Mail) payload(data bool) map[string]any {
	header := func(name, value string) map[string]string { return map[string]string{"name": name, "value": value} }
	kind := mail.Type
	if kind == "" {
		kind = `text/plain; charset="UTF-8"`
	}
	content := map[string]any{"size": len(mail.Body)}
	if data {
		if mail.data == "" { // kept, since a large one is asked for again and again
			mail.data = base64.URLEncoding.EncodeToString(mail.Body)
		}
		content["data"] = mail.data
	}
	media, _, _ := strings.Cut(kind, ";")
	parts := []map[string]any{{"partId": "0", "mimeType": media, "filename": "", "headers": []map[string]string{header("Content-Type", kind)}, "body": content}}
	for i, name := range mail.Attachments {
		parts = append(parts, map[string]any{"partId": strconv.Itoa(i + 1), "mimeType": "application/pdf", "filename": name, "body": map[string]any{"attachmentId": "ANGj" + strconv.Itoa(i), "size": 1 << 20}})
	}
	return map[string]any{"mimeType": "multipart/mixed", "filename": "", "parts": parts, "headers": []map[string]string{
		header("Subject", mail.Subject), header("From", "Ada <ada@example.com>"), header("To", "b@example.com"), header("Content-Type", "multipart/mixed"),
	}}
}

// changes answers history.list.
func (m *Mailbox) changes(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.rules.Keeps > 0 && len(m.history) > 0 && m.now().Sub(m.history[0].at) > m.rules.Keeps {
		m.kept, m.history = m.history[0].id, m.history[1:]
	}
	start := number(q.Get("startHistoryId"), 0)
	if start < m.kept {
		apiError(w, http.StatusNotFound, "NOT_FOUND", "notFound", "Requested entity was not found.")
		return
	}
	reply := map[string]any{"historyId": strconv.Itoa(m.last)}
	var list []map[string]any
	skip := number(q.Get("pageToken"), 0)
	for _, change := range m.history {
		if change.id <= start || change.id <= skip {
			continue
		}
		if len(list) == min(number(q.Get("maxResults"), 100), 500) {
			reply["nextPageToken"] = list[len(list)-1]["id"]
			break
		}
		entry := map[string]any{"message": reference(change.mail)}
		if change.labels != nil {
			entry["labelIds"] = change.labels
		}
		list = append(list, map[string]any{"id": strconv.Itoa(change.id), "messages": []any{reference(change.mail)}, change.kind: []any{entry}})
	}
	if list != nil {
		reply["history"] = list
	}
	Answer(w, http.StatusOK, reply)
}

// batch answers up to 100 calls of messages.get.
func (m *Mailbox) batch(w http.ResponseWriter, r *http.Request) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		apiError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "badRequest", "Failed to parse batch request.")
		return
	}
	m.mu.Lock()
	broken, cut := m.rules.Broken > 0, m.rules.Truncate > 0
	m.rules.Broken, m.rules.Truncate = max(0, m.rules.Broken-1), max(0, m.rules.Truncate-1)
	m.mu.Unlock()
	if broken {
		apiError(w, http.StatusInternalServerError, "INTERNAL", "backendError", "Internal error encountered.")
		return
	}
	var out strings.Builder
	answers := multipart.NewWriter(&out)
	if answers.SetBoundary("batch_"+rand.Text()) != nil {
		return
	}
	type question struct{ id, text string }
	var calls []question
	for parts := multipart.NewReader(r.Body, params["boundary"]); ; {
		part, err := parts.NextPart()
		if err != nil {
			break
		}
		if len(calls) == 100 {
			apiError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "badRequest", "The batch request exceeds the limit of 100 calls.")
			return
		}
		text, _ := io.ReadAll(part) // what was read of it is what there is
		calls = append(calls, question{strings.Trim(part.Header.Get("Content-Id"), "<>"), string(text)})
	}
	w.Header().Set("Content-Type", "multipart/mixed; boundary="+answers.Boundary())
	_ = http.NewResponseController(w).Flush() // nobody waits for this while large answers are made
	for _, call := range calls {
		answer := httptest.NewRecorder()
		m.call(answer, r, call.text)
		to, err := answers.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/http"}, "Content-Id": {"<response-" + call.id + ">"}})
		if err != nil {
			return
		}
		fmt.Fprintf(to, "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n%s", answer.Code, http.StatusText(answer.Code), answer.Body)
	}
	_ = answers.Close() // to memory
	body := out.String()
	if cut {
		body = body[:len(body)/2]
	}
	_, _ = io.WriteString(w, body) // the client may be gone
}

// call answers one call of a batch.
func (m *Mailbox) call(w http.ResponseWriter, r *http.Request, text string) {
	fields := strings.Fields(text)
	m.mu.Lock()
	refused := m.rules.Refuse > 0
	m.rules.Refuse = max(0, m.rules.Refuse-1)
	m.mu.Unlock()
	if refused {
		apiError(w, http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "rateLimitExceeded", "Too many concurrent requests for user")
		return
	}
	if len(fields) < 2 || fields[0] != http.MethodGet {
		apiError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "badRequest", "Failed to parse batch request.")
		return
	}
	to, err := url.Parse(fields[1])
	if id, ok := strings.CutPrefix(to.Path, "/gmail/v1/users/me/messages/"); err == nil && ok && m.admit(w, r, 5) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.give(w, id, to.Query())
	}
}
