package service_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/fakegoogle"
)

type mailbox struct {
	Mails []struct {
		ID, Title, Text, From, Date string
		Labels                      []string
		Attachments                 []struct {
			Name string
			Size int
		}
	}
	Recent []struct{ ID, Title string }
}

// inbox is n mails, the newest last.
func inbox(n int) (list []fakegoogle.Mail) {
	for i := range n {
		list = append(list, fakegoogle.Mail{
			ID: fmt.Sprintf("m%05d", i), Subject: fmt.Sprintf("Mail %d", i), Body: fmt.Appendf(nil, "This is mail %d.", i),
			Labels: []string{"INBOX", "UNREAD"}, Date: time.Unix(1_700_000_000+int64(i)*60, 0),
		})
	}
	return list
}

// addGmail adds the shipped charm and connects it.
func (d *daemon) addGmail(g *fakegoogle.Google, settings string) client.Ref {
	d.t.Helper()
	ref := d.add(charms.Source("gmail.tsx"), "home", "mail", notRegistered, rarely, allow(g.Host), timeout(charm.MaxTimeout),
		argument(`{"settings":{"api":%q,%s}}`, g.URL, settings))
	d.connect(g, ref)
	return ref
}

// imported runs the charm until it asks for no further page.
func (d *daemon) imported(ref client.Ref, want int) api.Charm {
	d.t.Helper()
	d.runOK(ref)
	return d.atRest(ref, want)
}

// mails is how many a large import has.
func mails(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("CHARMD_MAILS"))
	if err != nil {
		return 1200
	}
	t.Logf("%d mails", n)
	return n
}

func TestGmailOfManyPages(t *testing.T) {
	t.Parallel()
	g := fakegoogle.Start(t, time.Now)
	m := g.Gmail()
	m.Change(func(r *fakegoogle.MailRules) { r.Units = 10_000 })
	d := googleDaemon(t, g, t.TempDir())
	n := mails(t)
	m.Receive(inbox(n)...)
	began := time.Now()
	ref := d.addGmail(g, fmt.Sprintf(`"limit":%d,"perSecond":1900`, n))
	box := result[mailbox](t, d.imported(ref, n))
	most, over := m.Quota()
	t.Logf("%d mails in %v, at most %d units a second", n, time.Since(began), most)
	if over != 0 {
		t.Errorf("%d requests were over the quota", over)
	}
	seen := map[string]bool{}
	for i, mail := range box.Mails {
		if want := fmt.Sprintf("m%05d", n-1-i); mail.ID != want || seen[mail.ID] || mail.Text != fmt.Sprintf("This is mail %d.", n-1-i) {
			t.Fatalf("mail %d is %+v, want %s", i, mail, want)
		}
		seen[mail.ID] = true
	}
	if got := m.Fetched(); got["full"] != n || got["minimal"] != 0 {
		t.Errorf("fetched were %v", got)
	}

	if r := d.runOK(ref); r.Changed != 0 || r.Requests != 1 {
		t.Errorf("with nothing new: %d documents changed, %d requests", r.Changed, r.Requests)
	}
	m.Receive(fakegoogle.Mail{ID: "new", Subject: "News", Labels: []string{"INBOX"}, Date: time.Now()}, fakegoogle.Mail{ID: "spam", Labels: []string{"SPAM"}, Date: time.Now()})
	m.Label("m00007", "INBOX")
	m.Label("m00008", "TRASH")
	m.Delete("m00009")
	r := d.runOK(ref)
	box = result[mailbox](t, d.show(ref))
	if got := m.Fetched(); got["full"] != 2 || got["minimal"] != 2 || r.Changed > 8 {
		t.Errorf("an incremental run fetched %v and changed %d documents", got, r.Changed)
	}
	if len(box.Mails) != n-1 || box.Mails[0].ID != "new" || box.Recent[0].Title != "News" {
		t.Fatalf("%d mails, the first %+v", len(box.Mails), box.Mails[0])
	}
	if seventh := box.Mails[len(box.Mails)-8]; seventh.ID != "m00007" || len(seventh.Labels) != 1 {
		t.Errorf("the mail that was read is %+v", seventh)
	}

	m.Delete("m00001")
	m.Label("m00002", "INBOX", "STARRED")
	m.Receive(fakegoogle.Mail{ID: "late", Subject: "Late", Labels: []string{"INBOX"}, Date: time.Now()})
	m.Forget()
	box = result[mailbox](t, d.imported(ref, n-1))
	d.await(ref, "the import is over", time.Minute, func(api.Charm) bool { return d.runOK(ref).Requests == 1 })
	box = result[mailbox](t, d.show(ref))
	ids := map[string]int{}
	for _, mail := range box.Mails {
		ids[mail.ID]++
	}
	if len(ids) != n-1 || len(box.Mails) != n-1 || ids["late"] != 1 || ids["m00001"] != 0 || len(box.Mails[len(box.Mails)-2].Labels) != 2 {
		t.Errorf("after the history was lost: %d mails, %d different, the last but one %+v", len(box.Mails), len(ids), box.Mails[len(box.Mails)-2])
	}
	if got := m.Fetched(); got["full"] != 1 {
		t.Errorf("the import after the history was lost fetched %v", got)
	}
}

func TestGmailOnBadDays(t *testing.T) {
	t.Parallel()
	g := fakegoogle.Start(t, time.Now)
	m := g.Gmail()
	d := googleDaemon(t, g, t.TempDir())
	list := inbox(40)
	list[0].Subject, list[0].Body, list[0].Type = "=?iso-8859-1?Q?Caf=E9?=", []byte("Gr\xfc\xdfe"), `text/plain; charset="iso-8859-1"`
	list[1].Body, list[1].Type = []byte("\x1b$B$3$s$K$A$O\x1b(B"), "text/plain; charset=iso-2022-jp"
	list[2].Body, list[2].Type, list[2].Attachments = []byte("<p>Hello <b>you</b></p><script>x</script>"), "text/html; charset=utf-8", []string{"bill.pdf"}
	list[3].Body, list[3].Attachments = bytes.Repeat([]byte("x"), 20<<20), []string{"large.pdf"}
	list[4].Subject, list[4].Body, list[4].Type = "<script>alert(1)</script>", []byte("\x80\xfd"), "text/plain; charset=nonsense"
	m.Receive(list[:20]...)
	ref := d.addGmail(g, `"perSecond":50`)
	d.imported(ref, 20)
	m.Change(func(r *fakegoogle.MailRules) { r.Truncate, r.Refuse = 1, 3 })
	m.Receive(list[20:]...)
	if r := d.runOK(ref); !strings.Contains(r.Log, "the answer was cut off") || !strings.Contains(r.Log, "mails could not be had") {
		t.Errorf("a run whose answers were cut says %s", r.Log)
	}
	d.imported(ref, 40)
	box := result[mailbox](t, d.show(ref))
	if len(box.Mails) != len(list) {
		t.Fatalf("%d mails", len(box.Mails))
	}
	by := map[string]int{}
	for i, mail := range box.Mails {
		by[mail.ID] = i
	}
	at := func(id string) (title, text string, attachments int) {
		mail := box.Mails[by[id]]
		return mail.Title, mail.Text, len(mail.Attachments)
	}
	for id, want := range map[string]struct {
		title, text string
		attachments int
	}{
		"m00000": {"Café", "Grüße", 0}, "m00001": {"Mail 1", "こんにちは", 0}, "m00002": {"Mail 2", "Hello **you**", 1},
		"m00003": {"Mail 3", "", 1}, "m00004": {"<script>alert(1)</script>", "\uFFFD\uFFFD", 0},
	} {
		if title, text, attachments := at(id); title != want.title || text != want.text || attachments != want.attachments {
			t.Errorf("%s is %q, %.40q with %d attachments", id, title, text, attachments)
		}
	}
	for _, status := range []int{http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		m.Change(func(r *fakegoogle.MailRules) { r.Status = status })
		if r := d.run(ref); r.Outcome != charm.Remote || r.Changed != 0 {
			t.Errorf("%d: %s %s", status, r.Outcome, r.Error)
		}
	}
	m.Change(func(r *fakegoogle.MailRules) { r.Status = 0 })
	g.Expire()
	m.Receive(fakegoogle.Mail{ID: "after", Subject: "After", Labels: []string{"INBOX"}, Date: time.Now()})
	d.await(ref, "the mail after the bad days", time.Minute, func(api.Charm) bool {
		d.run(ref)
		return result[mailbox](t, d.show(ref)).Mails[0].ID == "after"
	})
	d.searchSecrets(g)
}
