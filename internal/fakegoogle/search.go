package fakegoogle

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// list answers messages.list: the newest first, without the spam and the bin unless one
// asks for them. A page goes on behind the last mail of the one before, whatever has come
// or gone meanwhile.
func (m *Mailbox) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Has("pageToken") && m.refuses() {
		apiError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "invalidArgument", "Invalid pageToken")
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	list := []map[string]string{}
	most, before := min(number(q.Get("maxResults"), 100), 500), number(q.Get("pageToken"), m.last+1)
	hidden := []string{"SPAM", "TRASH"}
	hidden = only(hidden, func(l string) bool {
		return !slices.Contains(q["labelIds"], l) && !strings.Contains(q.Get("q"), "in:"+l)
	})
	reply := map[string]any{"resultSizeEstimate": len(m.mails)}
	last := 0
	for _, mail := range slices.Backward(m.mails) {
		if mail.number >= before || !mail.found(q.Get("q"), m.now()) || slices.ContainsFunc(hidden, mail.has) ||
			slices.ContainsFunc(q["labelIds"], func(l string) bool { return !mail.has(l) }) {
			continue
		}
		if len(list) == most {
			reply["nextPageToken"] = strconv.Itoa(last)
			break
		}
		last = mail.number
		list = append(list, map[string]string{"id": mail.ID, "threadId": mail.thread()})
	}
	if len(list) > 0 { // an empty list is left out, as everywhere in these APIs
		reply["messages"] = list
	}
	Answer(w, http.StatusOK, reply)
}

// found says whether a search finds the mail: words of the subject, subject:WORD, in:LABEL
// and newer_than: so many days (d) or months (m); all of them, or with OR what is on
// either side.
func (mail *Mail) found(q string, now time.Time) bool {
	if one, other, either := strings.Cut(q, " OR "); either {
		return mail.found(one, now) || mail.found(other, now)
	}
	for _, term := range strings.Fields(q) {
		finds := false
		if label, ok := strings.CutPrefix(term, "in:"); ok {
			finds = mail.has(label)
		} else if span, ok := strings.CutPrefix(term, "newer_than:"); ok {
			n := number(strings.TrimRight(span, "dDmM"), 0)
			since := now.AddDate(0, 0, -n)
			if strings.HasSuffix(strings.ToLower(span), "m") {
				since = now.AddDate(0, -n, 0)
			}
			finds = mail.Date.After(since)
		} else {
			finds = strings.Contains(mail.Subject, strings.TrimPrefix(term, "subject:"))
		}
		if !finds {
			return false
		}
	}
	return true
}

// refuses says whether a page token is too old.
func (m *Mailbox) refuses() bool {
	m.mu.Lock()
	meanwhile := m.rules.Stale
	m.rules.Stale = nil
	m.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	return meanwhile != nil
}
