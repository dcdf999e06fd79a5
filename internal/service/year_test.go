package service

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/config"
	"charmd/internal/fakegoogle"
	"charmd/internal/notify"
	"charmd/internal/oauth"
	"charmd/internal/store"
	"charmd/internal/testbin"
)

// A year of one account, in virtual time: the charms for mail and calendar run in real
// workers, by their schedule, against a Google that has bad days, and at the end of each
// day they hold what is there. Two times 14 days by default, in which all goes wrong that
// can; CHARMD_YEARS=n lives through n years, each with a seed of its own.
func TestAYearOfMail(t *testing.T) {
	t.Parallel()
	days, years := 14, 2
	if text := os.Getenv("CHARMD_YEARS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		days, years = 365, n
	}
	for seed := range years {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			y := beginYear(t, uint64(seed))
			for range days {
				y.lives()
			}
			y.ends(days)
		})
	}
}

// swift is a wall clock that passes faster than the machine's, and can be moved on.
type swift struct {
	mu   sync.Mutex
	real time.Time // of the machine when it was moved last
	at   time.Time // then
}

// swiftness is how much faster. What charms wait for takes real time.
const swiftness = 10

func (c *swift) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at.Add(swiftness * time.Since(c.real))
}

// to moves the clock on, and never back.
func (c *swift) to(at time.Time) {
	if now := c.now(); now.After(at) {
		at = now
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.real, c.at = time.Now(), at
}

// year is one that is lived through.
type year struct {
	*Service
	t        *testing.T
	config   config.Config
	outside  outside
	luck     *rand.Rand
	clock    *swift
	google   *fakegoogle.Google
	mailbox  *fakegoogle.Mailbox
	calendar *fakegoogle.Calendar
	query    bool // the mail charm has one

	mail, agenda api.Added
	midnight     time.Time // at which the day began
	since        time.Time // when the access was taken back the last time
	away         time.Time // when the person connects the accounts again; zero while they are connected
	mails        int
	events       int

	runs, requests        int // of the day
	ran, waited, troubled int // in all
	revoked, told         int
	kinds                 map[string]int // days by what went wrong on them
	deck                  []int          // what goes wrong next, so that each has its turn
}

func beginYear(t *testing.T, seed uint64) *year {
	y := &year{
		t: t, luck: rand.New(rand.NewPCG(seed, 7)), kinds: map[string]int{}, query: seed%2 == 1,
		clock: &swift{real: time.Now(), at: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)},
	}
	y.midnight = y.clock.now()
	y.google = fakegoogle.Start(t, y.clock.now)
	y.mailbox, y.calendar = y.google.Gmail(), y.google.Calendar()
	y.mailbox.Change(func(r *fakegoogle.MailRules) { r.Keeps = 7 * 24 * time.Hour })
	table, cert := filepath.Join(t.TempDir(), "providers.json"), x509.NewCertPool()
	text, err := os.ReadFile(y.google.CertFile)
	y.ok(err)
	y.ok(os.WriteFile(table, y.google.Table(), 0o600))
	cert.AppendCertsFromPEM(text)
	y.outside = outside{now: y.clock.now, roots: cert}
	y.config = config.Default()
	y.config.DataDir, y.config.Listen, y.config.WorkerExe = t.TempDir(), "127.0.0.1:0", testbin.Path(t)
	y.config.Workers, y.config.ProvidersFile, y.config.NotifyURL = 1, table, "http://127.0.0.1:9/never-asked"
	y.config.GoogleClientID, y.config.GoogleClientSecret = fakegoogle.ClientID, fakegoogle.ClientSecret
	y.open()
	t.Cleanup(func() { y.ok(y.Service.Close()) })
	settings := map[string]any{"api": y.google.URL, "perSecond": 40 * swiftness, "limit": 60}
	if y.query {
		settings["query"] = "subject:keep"
	}
	y.receive(70)
	y.mail = y.add("gmail.tsx", "mail", "3h", settings)
	y.agenda = y.add("gcal.tsx", "agenda", "8h", map[string]any{"api": y.google.URL + "/calendar/v3"})
	y.connect()
	return y
}

func (y *year) ok(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatalf("at %v: %v", y.clock.now(), err)
	}
}

// open is a start of the service on what is on disk.
func (y *year) open() {
	y.t.Helper()
	var err error
	y.Service, err = open(y.t.Context(), y.config, slog.New(slog.DiscardHandler), y.outside)
	y.ok(err)
}

func (y *year) add(file, name, every string, settings map[string]any) api.Added {
	y.t.Helper()
	text, err := json.Marshal(map[string]any{"settings": settings})
	y.ok(err)
	added, err := y.manager.Add(y.t.Context(), api.AddRequest{
		Entry: file, Files: map[string]string{file: charms.Source(file)}, Space: "home", Name: name, Every: every, Argument: text, AllowHosts: []string{y.google.Host},
	})
	y.ok(err)
	return added
}

// connect is the person allowing the access for both charms, and trying again when that
// failed.
func (y *year) connect() {
	y.t.Helper()
	for _, c := range []api.Added{y.mail, y.agenda} {
		if y.allows(c) != nil {
			y.ok(y.allows(c))
		}
	}
	y.away = time.Time{}
}

func (y *year) allows(c api.Added) error {
	to := oauth.Target{Space: c.Space, Charm: c.CharmID, Cell: charm.AuthCell{ID: c.CharmID, Path: []string{"auth"}}}
	begun, err := y.accounts.Begin(y.t.Context(), "google", to, "http://127.0.0.1:8000/back", "mine")
	if err != nil {
		return err
	}
	page := httptest.NewRecorder()
	y.google.ServeHTTP(page, httptest.NewRequest(http.MethodGet, begun.URL, nil))
	back, err := url.Parse(page.Header().Get("Location"))
	if err != nil {
		return err
	}
	_, err = y.accounts.Finish(y.t.Context(), "google", "mine", oauth.Answer{State: back.Query().Get("state"), Code: back.Query().Get("code")})
	return err
}

// until lives through all that is due before the time.
func (y *year) until(at time.Time) {
	y.t.Helper()
	for {
		var first time.Time
		for _, s := range y.queue.Standings() {
			if due := dueAt(s.State, s.Job); !due.IsZero() && (first.IsZero() || due.Before(first)) {
				first = due
			}
		}
		if first.IsZero() || first.After(at) {
			y.clock.to(at)
			return
		}
		y.clock.to(first)
		y.run()
	}
}

func dueAt(s charm.State, job *charm.Job) time.Time {
	if job != nil {
		return job.DueAt
	}
	return s.NextRun
}

// run carries out what is due, and what is claimed with the end of that.
func (y *year) run() {
	y.t.Helper()
	claim, err := y.queue.Next(y.t.Context())
	for y.ok(err); claim != nil; y.ok(err) {
		y.runs++
		claim, err = y.execute.Handle(y.t.Context(), *claim)
	}
}

// lives is one day.
func (y *year) lives() {
	y.t.Helper()
	y.runs, y.requests = 0, y.asked()
	hour := func(h float64) time.Time { return y.midnight.Add(time.Duration(h * float64(time.Hour))) }
	type moment struct {
		at time.Time
		fn func()
	}
	var day []moment
	during := func(from, to float64, fn func()) {
		day = append(day, moment{hour(from + y.luck.Float64()*(to-from)), fn})
	}
	if !y.away.IsZero() && y.midnight.After(y.away) {
		day = append(day, moment{hour(0), y.connect})
	}
	for range 1 + y.luck.IntN(4) {
		during(0, 15, y.happens)
	}
	if y.luck.IntN(2) == 0 {
		during(0, 15, y.changesAgenda)
	}
	if y.luck.IntN(9) == 0 {
		during(0, 15, func() { y.ok(y.Service.Close()); y.open() })
	}
	what := y.trouble()
	y.kinds[what.name]++
	var stop func()
	during(0, 12, func() { stop = what.begin() })
	during(12, 16, func() { stop() })
	slices.SortStableFunc(day, func(a, b moment) int { return a.at.Compare(b.at) })
	for _, m := range day {
		y.until(m.at)
		m.fn()
	}
	y.until(hour(24).Add(-time.Second))
	y.looks(what.name)
	y.midnight = hour(24)
	y.until(y.midnight)
}

// asked is how many requests the Google got.
func (y *year) asked() (n int) {
	for _, path := range []string{"/token", "/batch/gmail/v1", "/gmail/v1/users/me/profile", "/gmail/v1/users/me/messages", "/gmail/v1/users/me/history",
		"/calendar/v3/users/me/calendarList", "/calendar/v3/calendars/ada@example.com/events"} {
		n += y.google.Asked(path)
	}
	return n
}

// receive brings mails: half of them the query means, and some are of one thread.
func (y *year) receive(n int) {
	for range n {
		y.mails++
		m := fakegoogle.Mail{
			ID: fmt.Sprintf("m%05d", y.mails), Subject: fmt.Sprintf("%s %d", []string{"keep", "other"}[y.luck.IntN(2)], y.mails),
			Body: fmt.Appendf(nil, "This is mail %d.", y.mails), Labels: []string{"INBOX", "UNREAD"}, Date: y.clock.now(),
		}
		if y.luck.IntN(3) == 0 {
			m.Thread = fmt.Sprintf("t%d", y.mails/4)
		}
		y.mailbox.Receive(m)
	}
}

// happens is one thing that happens in the mailbox.
func (y *year) happens() {
	all := y.mailbox.Mails()
	one := all[y.luck.IntN(len(all))]
	switch y.luck.IntN(9) {
	case 0, 1:
		y.receive(1 + y.luck.IntN(4))
	case 2: // a newsletter went out
		if y.luck.IntN(10) == 0 {
			y.receive(45)
		}
	case 3:
		y.mailbox.Label(one.ID, "INBOX")
	case 4:
		y.mailbox.Label(one.ID, "INBOX", "STARRED")
	case 5, 6:
		y.mailbox.Delete(one.ID)
	case 7: // a thread is archived, or comes back to the inbox
		labels := []string{"Label_1"}
		if !slices.Contains(one.Labels, "INBOX") {
			labels = []string{"INBOX", "Label_1"}
		}
		for _, m := range all {
			if m.ID == one.ID || m.Thread != "" && m.Thread == one.Thread {
				y.mailbox.Label(m.ID, labels...)
			}
		}
	case 8:
		y.mailbox.Label(one.ID, []string{"TRASH", "SPAM"}[y.luck.IntN(2)])
		y.receive(1)
	}
	for _, m := range all[:max(0, len(all)-120)] { // what is old is cleared away
		y.mailbox.Delete(m.ID)
	}
}

// changesAgenda puts an event into the calendar, moves one, or deletes one.
func (y *year) changesAgenda() {
	at := func(t time.Time) map[string]any {
		return map[string]any{"dateTime": t.In(time.FixedZone("", 3600)).Format(time.RFC3339), "timeZone": "Europe/Berlin"}
	}
	start := y.clock.now().Truncate(time.Hour).AddDate(0, 0, y.luck.IntN(120))
	e := fakegoogle.Event{"id": fmt.Sprintf("e%d", y.luck.IntN(y.events+1)), "status": "confirmed", "summary": fmt.Sprintf("Event %v", start), "start": at(start), "end": at(start.Add(time.Hour))}
	if y.luck.IntN(3) == 0 {
		e = fakegoogle.Event{"id": e["id"], "status": "cancelled"}
	}
	y.events++
	y.calendar.Put(e)
	if y.luck.IntN(12) == 0 {
		y.calendar.Forget()
	}
}

// ill is a kind of bad day: begin makes it so, and what that returns ends it.
type ill struct {
	name  string
	begin func() (end func())
}

// trouble is what goes wrong on a day; once everything has, nothing does on a third of
// them.
func (y *year) trouble() ill {
	mail := func(fn func(*fakegoogle.MailRules)) func() func() {
		return func() func() {
			y.mailbox.Change(fn)
			return func() { y.mailbox.Change(func(r *fakegoogle.MailRules) { *r = fakegoogle.MailRules{Keeps: r.Keeps} }) }
		}
	}
	status := func(status int, bare bool) func() func() {
		return mail(func(r *fakegoogle.MailRules) { r.Status, r.Bare = status, bare })
	}
	once := func(fn func()) func() func() { return func() func() { fn(); return func() {} } }
	all := []ill{
		{"outage", status([]int{500, 502, 503}[y.luck.IntN(3)], y.luck.IntN(2) == 0)},
		{"403", status(http.StatusForbidden, true)},
		{"403 with Retry-After", status(http.StatusForbidden, false)},
		{"429", status(http.StatusTooManyRequests, y.luck.IntN(2) == 0)},
		{"cut connections", mail(func(r *fakegoogle.MailRules) { r.Cut = 1 + y.luck.IntN(6) })},
		{"truncated batches", mail(func(r *fakegoogle.MailRules) { r.Truncate = 1 + y.luck.IntN(4) })},
		{"broken batches", mail(func(r *fakegoogle.MailRules) { r.Broken, r.Refuse = 1+y.luck.IntN(3), y.luck.IntN(9) })},
		{"quota of the day", mail(func(r *fakegoogle.MailRules) { r.Daily = 1 })},
		{"slow", y.slow},
		{"tokens end", once(y.google.Expire)},
		{"tokens out", func() func() {
			y.google.Change(func(r *fakegoogle.Rules) { r.Status = http.StatusServiceUnavailable })
			return func() { y.google.Change(func(r *fakegoogle.Rules) { r.Status = 0 }) }
		}},
		{"token lost", once(func() { y.google.Change(func(r *fakegoogle.Rules) { r.Forget = 1 }) })},
		{"history forgotten", once(y.mailbox.Forget)},
		{"taken back", once(func() {
			if y.away.IsZero() {
				y.revoked++
				y.since = y.clock.now()
				y.away = y.midnight.AddDate(0, 0, 1+y.luck.IntN(20))
				y.google.Revoke()
			}
		})},
	}
	if y.troubled >= len(all) && y.luck.IntN(3) == 0 {
		return ill{"nothing", once(func() {})}
	}
	if len(y.deck) == 0 {
		y.deck = y.luck.Perm(len(all))
	}
	next := y.deck[0]
	y.deck = y.deck[1:]
	return all[next]
}

// slow makes each answer take 20 seconds.
func (y *year) slow() func() {
	hold, over := make(chan struct{}), make(chan struct{})
	y.mailbox.Change(func(r *fakegoogle.MailRules) { r.Hold = hold })
	var answering sync.WaitGroup
	answering.Go(func() {
		for {
			select {
			case hold <- struct{}{}: // somebody waits
				y.clock.to(y.clock.now().Add(20 * time.Second))
			case <-over:
				return
			}
		}
	})
	return func() {
		close(over)
		answering.Wait()
		y.mailbox.Change(func(r *fakegoogle.MailRules) { r.Hold = nil })
	}
}

// looks is what is held against the day at its end, when whatever was wrong is over but
// for an access that was taken back.
func (y *year) looks(trouble string) {
	y.t.Helper()
	day, asked := y.midnight.Format(time.DateOnly), y.asked()-y.requests
	y.ran += y.runs
	if trouble != "nothing" {
		y.troubled++
	}
	if y.runs > 80 || asked > 6*y.runs+10 {
		y.t.Errorf("%s (%s): %d runs made %d requests", day, trouble, y.runs, asked)
	}
	told := y.notices()
	if !y.away.IsZero() {
		y.waited++
		for _, name := range []string{"mail", "agenda"} {
			c, err := y.manager.Show(y.t.Context(), "home", name)
			y.ok(err)
			// What it was Google does not say; a week after the access was given it looks like
			// that of an app in testing.
			why, ok := strings.CutPrefix(c.State.Waiting, "its Google account ada@example.com must be connected again: ")
			plain := strings.HasPrefix(why, "Google does not accept the access any more: it was taken back") || strings.HasPrefix(why, "the access ended 7 days after it was given; Google does that")
			if c.Status != charm.StatusAccount || c.State.TotalFailures != 0 || !ok || !plain {
				y.t.Errorf("%s: without the access %s stands as %s: %+v", day, name, c.Status, c.State)
			}
		}
		if y.told += len(told); y.told != 2*y.revoked || y.since.Before(y.midnight) && asked > 0 {
			y.t.Errorf("%s: taken back %d times, told %d times, %d requests on the day: %v", day, y.revoked, y.told, asked, told)
		}
		return
	}
	if len(told) > 0 {
		y.t.Errorf("%s (%s): a person was told %v", day, trouble, told)
	}
	y.looksAtMail(day + " (" + trouble + ")")
	y.looksAtAgenda(day + " (" + trouble + ")")
}

// notices takes the reasons that a person was told.
func (y *year) notices() (list []string) {
	y.t.Helper()
	y.ok(y.store.Update(y.t.Context(), func(tx store.Tx) error {
		for {
			n, err := tx.FirstNotice()
			if err != nil {
				return nil // all are told
			}
			var notice notify.Notice
			if err := json.Unmarshal([]byte(n.Body), &notice); err != nil {
				return err
			}
			list = append(list, string(notice.Kind)+" "+notice.Reason)
			if err := tx.DeleteNotice(n.ID); err != nil {
				return err
			}
		}
	}))
	return list
}

func (y *year) looksAtMail(day string) {
	y.t.Helper()
	c, err := y.manager.Show(y.t.Context(), "home", "mail")
	y.ok(err)
	var box struct {
		Mails []struct {
			ID, ThreadID, Title, Text string
			Labels                    []string
		}
	}
	y.ok(json.Unmarshal(c.Result, &box))
	want, got := map[string]string{}, map[string]string{}
	line := func(title string, labels []string) string {
		return title + " " + strings.Join(slices.Sorted(slices.Values(labels)), ",")
	}
	for _, m := range y.mailbox.Mails() {
		has := func(l string) bool { return slices.Contains(m.Labels, l) }
		if has("INBOX") && (!y.query || strings.Contains(m.Subject, "keep")) {
			want[m.ID] = line(m.Subject, m.Labels)
		}
	}
	for _, m := range box.Mails {
		if _, twice := got[m.ID]; twice {
			y.t.Errorf("%s: %s is there twice", day, m.ID)
		}
		if n, _ := strings.CutPrefix(m.ID, "m"); m.Text != "This is mail "+strings.TrimLeft(n, "0")+"." {
			y.t.Errorf("%s: %s says %q", day, m.ID, m.Text)
		}
		got[m.ID] = line(m.Title, m.Labels)
	}
	// Of the first ones only 60 were imported, and older ones than all that are known need
	// not be found again when the history was lost.
	oldest := "m00070"
	if len(got) > 0 {
		oldest = max(oldest, slices.Min(slices.Collect(maps.Keys(got))))
	}
	for id, is := range want {
		if got[id] == "" && id > oldest {
			y.t.Errorf("%s: %s is missing: %s; the charm stands as %s %+v", day, id, is, c.Status, c.State)
		} else if got[id] != "" && got[id] != is {
			y.t.Errorf("%s: %s is %s, not %s", day, id, got[id], is)
		}
	}
	for id := range got {
		if want[id] == "" {
			y.t.Errorf("%s: %s is still there: %s", day, id, got[id])
		}
	}
	if y.t.Failed() {
		y.t.FailNow()
	}
}

func (y *year) looksAtAgenda(day string) {
	y.t.Helper()
	c, err := y.manager.Show(y.t.Context(), "home", "agenda")
	y.ok(err)
	var agenda struct {
		Events []struct{ ID, Start, Title string }
	}
	y.ok(json.Unmarshal(c.Result, &agenda))
	now := y.clock.now()
	soon := func(at time.Time) bool { return at.After(now.AddDate(0, 0, -20)) && at.Before(now.AddDate(0, 0, 150)) }
	want, got := map[string]string{}, map[string]string{}
	for _, e := range y.calendar.Events() {
		start, _ := e["start"].(map[string]any)
		text, _ := start["dateTime"].(string)
		if at, err := time.Parse(time.RFC3339, text); err == nil && soon(at) && e["status"] != "cancelled" {
			want["ada@example.com/"+e["id"].(string)] = fmt.Sprint(e["summary"], at.UTC().Format("2006-01-02T15:04:05.000Z"))
		}
	}
	for _, e := range agenda.Events {
		if at, err := time.Parse(time.RFC3339, e.Start); err == nil && soon(at) {
			if _, twice := got[e.ID]; twice {
				y.t.Errorf("%s: %s is there twice", day, e.ID)
			}
			got[e.ID] = e.Title + e.Start
		}
	}
	if !maps.Equal(want, got) {
		y.t.Fatalf("%s: the calendar has %v, want %v; the charm stands as %+v", day, got, want, c.State)
	}
}

// ends is what is held against the whole.
func (y *year) ends(days int) {
	y.t.Helper()
	most, over := y.mailbox.Quota()
	full, _ := y.calendar.Lists()
	y.t.Logf("%d days, %d runs, %d mails; days by what was wrong: %v; on %d the access was taken back; at most %d units in a second, %d requests over the quota; the calendar was read anew %d times",
		days, y.ran, y.mails, y.kinds, y.waited, most, over, full)
	if over != 0 {
		y.t.Errorf("%d requests were over the quota of a second", over)
	}
	for _, name := range []string{"mail", "agenda"} {
		c, err := y.manager.Show(y.t.Context(), "home", name)
		y.ok(err)
		if c.State.TotalFailures != 0 {
			y.t.Errorf("%s counts failures of its own: %+v", name, c.State)
		}
	}
	if y.troubled < days/2 || y.revoked == 0 {
		y.t.Errorf("it was too quiet to show anything")
	}
}
