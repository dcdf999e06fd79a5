package fakegoogle

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const calendarScope = "https://www.googleapis.com/auth/calendar.readonly"

// Event is one in the calendar. Fields are those of the API: what is set of them goes out.
type Event map[string]any

// Calendar is the primary calendar of everybody at this Google, behind the Calendar API:
// calendarList.list and events.list with pages and sync tokens. Recurring events are
// there by their instances (singleEvents). It is safe for concurrent use.
type Calendar struct {
	mu      sync.Mutex
	events  []stamped // in the order of their last change
	last    int
	kept    int // sync tokens from before are too old
	perPage int
	full    int // lists without a sync token
	given   int // events that were given
	stale   int // so many page tokens are refused
}

type stamped struct {
	Event
	at int
}

// Calendar adds the Calendar API to g.
func (g *Google) Calendar() *Calendar {
	c := &Calendar{perPage: 250}
	g.HandleAPI("GET /calendar/v3/users/me/calendarList", calendarScope, func(w http.ResponseWriter, _ *http.Request, who Account) {
		Answer(w, http.StatusOK, map[string]any{"kind": "calendar#calendarList", "items": []map[string]any{
			{"id": who.Email, "summary": who.Email, "timeZone": "Europe/London", "primary": true, "selected": true},
			{"id": "holidays@group.v.calendar.google.com", "summary": "Holidays", "timeZone": "UTC"},
		}})
	})
	g.HandleAPI("GET /calendar/v3/calendars/{id}/events", calendarScope, c.list)
	return c
}

// Put adds events, or changes those with their ids. A status of cancelled deletes one.
func (c *Calendar) Put(events ...Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range events {
		c.events = slices.DeleteFunc(c.events, func(old stamped) bool { return old.Event["id"] == e["id"] })
		c.last++
		c.events = append(c.events, stamped{e, c.last})
	}
}

// Events are those there are, and those that were deleted.
func (c *Calendar) Events() (list []Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		list = append(list, e.Event)
	}
	return list
}

// Pages makes answers hold at most n events.
func (c *Calendar) Pages(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.perPage = n
}

// Forget makes all sync tokens too old.
func (c *Calendar) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	c.kept = c.last
}

// Refuse makes it refuse the next n page tokens, as it does with those that are old.
func (c *Calendar) Refuse(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stale = n
}

// Lists is how many lists began without a sync token since it was asked last, and how
// many events were given in all.
func (c *Calendar) Lists() (full, given int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	full, given = c.full, c.given
	c.full, c.given = 0, 0
	return full, given
}

func (c *Calendar) list(w http.ResponseWriter, r *http.Request, who Account) {
	q := r.URL.Query()
	c.mu.Lock()
	defer c.mu.Unlock()
	if id := r.PathValue("id"); id != who.Email && id != "primary" {
		apiError(w, http.StatusNotFound, "NOT_FOUND", "notFound", "Not Found")
		return
	}
	since := -1
	if token := q.Get("syncToken"); token != "" {
		for _, name := range []string{"iCalUID", "orderBy", "q", "timeMin", "timeMax", "updatedMin"} {
			if q.Has(name) {
				apiError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "invalid", "Sync token cannot be used with "+name)
				return
			}
		}
		if since = number(token, -1); since < c.kept {
			apiError(w, http.StatusGone, "GONE", "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
			return
		}
	}
	if c.stale > 0 && q.Has("pageToken") {
		c.stale--
		apiError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "invalid", "Invalid page token value.")
		return
	}
	skip := number(q.Get("pageToken"), 0)
	if since < 0 && skip == 0 {
		c.full++
	}
	items := []Event{}
	reply := map[string]any{"kind": "calendar#events", "timeZone": "Europe/London", "nextSyncToken": strconv.Itoa(c.last)}
	for i, e := range c.events {
		if i < skip || e.at <= since || since < 0 && (e.Event["status"] == "cancelled" || !within(e.Event, q.Get("timeMin"), q.Get("timeMax"))) {
			continue
		}
		if len(items) == min(c.perPage, number(q.Get("maxResults"), 250)) {
			delete(reply, "nextSyncToken")
			reply["nextPageToken"] = strconv.Itoa(i)
			break
		}
		items = append(items, e.Event)
	}
	c.given += len(items)
	reply["items"] = items
	Answer(w, http.StatusOK, reply)
}

// within says whether the event starts in the window that was asked for.
func within(e Event, from, to string) bool {
	start, _ := e["start"].(map[string]any)
	text, _ := start["dateTime"].(string)
	at, err := time.Parse(time.RFC3339, text)
	after, err1 := time.Parse(time.RFC3339, from)
	before, err2 := time.Parse(time.RFC3339, to)
	return err != nil || (err1 != nil || !at.Before(after)) && (err2 != nil || at.Before(before))
}
