package formats

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"charmd/internal/worker/inside/webhost"
)

// Limits of a calendar.
const (
	maxEvents    = 5000   // that come out
	maxInstances = 50_000 // of one event that are looked at, before the window included
	maxWarnings  = 20
)

// event is one that takes place, or an instance of one that recurs.
type event struct {
	ID          string `json:"id"` // of an instance: uid/the start that its rule gives it
	UID         string `json:"uid"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Location    string `json:"location"`
	URL         string `json:"url"`
	Status      string `json:"status"` // lower case, "" or as confirmed, tentative
	Start       string `json:"start"`  // 2026-03-02T09:00:00Z; all day 2026-03-02
	End         string `json:"end"`    // exclusive; never before Start
	AllDay      bool   `json:"allDay"`
	Recurring   bool   `json:"recurring"`
}

// Calendar reads iCalendar (RFC 5545) as JSON {"name","events":[…],"warnings":[…]}:
// the events that touch the time that options name, in order of their starts. Recurring
// ones are there once for each instance, without those that were deleted, with those
// that were moved. options is JSON {"from","to","zone"}: RFC 3339 times, and a zone for
// times that name none; "" is the calendar's own, or UTC. What cannot be understood is left out and said in the warnings. The error is an *webhost.Exception:
// for a text that is no calendar.
func Calendar(text, options string) (string, error) {
	if len(text) > maxBytes {
		return "", tooLarge("calendar")
	}
	var o struct {
		From, To time.Time
		Zone     string
	}
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		return "", &webhost.Exception{Name: "TypeError", Message: "the window of the calendar is not two dates"}
	}
	c := reader{from: o.From, to: o.To, zones: map[string]zoneOf{}}
	root, err := components(text)
	if err != nil {
		return "", &webhost.Exception{Name: "SyntaxError", Message: err.Error()}
	}
	for _, z := range root.all("VTIMEZONE") {
		c.zones[z.text("TZID")] = c.declaredZone(z)
	}
	c.floating = c.zone(root.text("X-WR-TIMEZONE"))
	if o.Zone != "" {
		c.floating = c.zone(o.Zone)
	}
	c.read(root.all("VEVENT"))
	slices.SortStableFunc(c.events, func(a, b event) int {
		if n := strings.Compare(a.Start, b.Start); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	if len(c.events) > maxEvents {
		c.warn("there are %d events; the first %d are kept", len(c.events), maxEvents)
		c.events = c.events[:maxEvents]
	}
	out, err := json.Marshal(map[string]any{"name": root.text("X-WR-CALNAME"), "events": append([]event{}, c.events...), "warnings": append([]string{}, c.warnings...)})
	return string(out), err
}

// reader is one calendar that is read.
type reader struct {
	from, to time.Time
	zones    map[string]zoneOf
	floating zoneOf
	events   []event
	warnings []string
}

func (c *reader) warn(format string, args ...any) {
	if len(c.warnings) < maxWarnings {
		c.warnings = append(c.warnings, fmt.Sprintf(format, args...))
	}
}

// read takes the events: of several with one id that of the highest sequence, then the
// last.
func (c *reader) read(list []*component) {
	masters, moved := map[string]*component{}, map[string]map[int64]*component{}
	var order []string
	newer := func(old, e *component) bool { return old == nil || e.number("SEQUENCE") >= old.number("SEQUENCE") }
	for i, e := range list {
		uid := e.text("UID")
		if uid == "" { // it may not be missing, and is
			uid = fmt.Sprintf("%s/%s", e.text("DTSTART"), e.text("SUMMARY"))
		}
		if masters[uid] == nil && moved[uid] == nil {
			order = append(order, uid)
		}
		id, ok := e.first("RECURRENCE-ID")
		if !ok {
			if newer(masters[uid], e) {
				masters[uid] = e
			}
			continue
		}
		at, err := c.moment(id)
		if err != nil {
			c.warn("event %d (%s): RECURRENCE-ID: %v", i+1, uid, err)
			continue
		}
		if moved[uid] == nil {
			moved[uid] = map[int64]*component{}
		}
		if newer(moved[uid][at.key()], e) {
			moved[uid][at.key()] = e
		}
	}
	for _, uid := range order {
		if e := masters[uid]; e != nil {
			c.master(uid, e, moved[uid])
		}
		for key, e := range moved[uid] {
			c.instance(uid, e, time.Unix(key, 0).UTC())
		}
	}
}

// span is when an event takes place.
type span struct {
	start, end moment
}

func (c *reader) span(e *component) (s span, err error) {
	line, ok := e.first("DTSTART")
	if !ok {
		return s, fmt.Errorf("no DTSTART")
	}
	if s.start, err = c.moment(line); err != nil {
		return s, fmt.Errorf("DTSTART: %w", err)
	}
	s.end = s.start
	if s.start.allDay {
		s.end.wall = s.start.wall.AddDate(0, 0, 1)
	}
	if line, ok := e.first("DTEND"); ok {
		end, err := c.moment(line)
		if err != nil {
			return s, fmt.Errorf("DTEND: %w", err)
		}
		if end.allDay == s.start.allDay && !end.instant().Before(s.start.instant()) {
			s.end = end
		}
	} else if text := e.text("DURATION"); text != "" {
		days, rest, err := duration(text)
		if err != nil {
			return s, err
		}
		end := s.start
		end.wall = s.start.wall.AddDate(0, 0, days).Add(rest)
		if end.instant().After(s.start.instant()) {
			s.end = end
		}
	}
	return s, nil
}

// master adds the event, or its instances but for those that were deleted or moved.
func (c *reader) master(uid string, e *component, moved map[int64]*component) {
	s, err := c.span(e)
	if err != nil {
		c.warn("%s: %v", uid, err)
		return
	}
	if _, recurs := e.first("RRULE"); !recurs && len(e.lines["RDATE"]) == 0 {
		if moved[s.start.key()] == nil {
			c.add(uid, uid, e, s, false)
		}
		return
	}
	gone := map[int64]bool{}
	for _, line := range e.lines["EXDATE"] {
		for value := range strings.SplitSeq(line.value, ",") {
			at, err := c.moment(property{line.params, value})
			if err != nil {
				c.warn("%s: EXDATE: %v", uid, err)
				continue
			}
			gone[at.key()] = true
		}
	}
	length := s.end.wall.Sub(s.start.wall)
	for _, wall := range c.instances(uid, e, s.start) {
		at := span{s.start.at(wall), s.end.at(wall.Add(length))}
		if at.end.instant().Before(at.start.instant()) { // clocks were set between them
			at.end = at.start
		}
		if key := at.start.key(); !gone[key] && moved[key] == nil {
			gone[key] = true
			c.add(uid, uid+"/"+at.start.String(), e, at, true)
		}
	}
}

// instance adds one that was moved from the time that the rule gives it.
func (c *reader) instance(uid string, e *component, was time.Time) {
	s, err := c.span(e)
	if err != nil {
		c.warn("%s: %v", uid, err)
		return
	}
	from := moment{wall: was, allDay: s.start.allDay, zone: utc}
	c.add(uid, uid+"/"+from.String(), e, s, true)
}

func (c *reader) add(uid, id string, e *component, s span, recurring bool) {
	status := strings.ToLower(e.text("STATUS"))
	if status == "cancelled" || !s.start.instant().Before(c.to) || s.end.instant().Before(c.from) {
		return
	}
	c.events = append(c.events, event{
		ID: id, UID: uid, Title: e.text("SUMMARY"), Description: e.text("DESCRIPTION"), Location: e.text("LOCATION"), URL: e.text("URL"),
		Status: status, Start: s.start.String(), End: s.end.String(), AllDay: s.start.allDay, Recurring: recurring,
	})
}
