package signin_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/signin"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// clock is a time that tests move.
type clock struct{ now time.Time }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

func open(t *testing.T) (s *signin.SignIns, c *clock, dir string) {
	t.Helper()
	dir = t.TempDir()
	db, err := sqlite.Open(t.Context(), sqlitetest.At(t, filepath.Join(dir, "charmd.db")), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	c = &clock{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	return signin.New(db, func() time.Time { return c.now }), c, dir
}

// enter signs a browser in.
func enter(t *testing.T, s *signin.SignIns, browser string) (cookie string) {
	t.Helper()
	link, _ := s.NewLink()
	cookie, err := s.Redeem(t.Context(), link, browser)
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

// admitted reports whether a cookie is good.
func admitted(t *testing.T, s *signin.SignIns, cookie string) bool {
	t.Helper()
	_, release, ok := s.Admit(t.Context(), cookie)
	if ok {
		release()
	}
	return ok
}

func TestALinkWorksOnceAndNotForLong(t *testing.T) {
	t.Parallel()
	s, c, _ := open(t)
	link, until := s.NewLink()
	if got := until.Sub(c.now); got != 10*time.Minute {
		t.Errorf("a link is good for %v", got)
	}
	if admitted(t, s, link) {
		t.Error("a link's secret is taken for a cookie's")
	}
	if _, err := s.Redeem(t.Context(), link, "Firefox"); err != nil {
		t.Error(err)
	}
	old, _ := s.NewLink()
	c.pass(10 * time.Minute)
	for name, secret := range map[string]string{"used": link, "too old": old, "made up": "ABC", "empty": ""} {
		if cookie, err := s.Redeem(t.Context(), secret, "Firefox"); charm.CodeOf(err) != charm.CodeUnauthorized || cookie != "" {
			t.Errorf("a link that is %s: %q, %v", name, cookie, err)
		}
	}
	if list, err := s.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("signed in: %v, %v", list, err)
	}
}

func TestLinksAreBounded(t *testing.T) {
	t.Parallel()
	s, c, _ := open(t)
	first, _ := s.NewLink()
	var last string
	for range 60 {
		c.pass(time.Second)
		last, _ = s.NewLink()
	}
	if _, err := s.Redeem(t.Context(), first, ""); err == nil {
		t.Error("the oldest of too many links still works")
	}
	if _, err := s.Redeem(t.Context(), last, ""); err != nil {
		t.Error(err)
	}
}

func TestABrowserStaysWhileItIsUsed(t *testing.T) {
	t.Parallel()
	s, c, _ := open(t)
	used, left := enter(t, s, "used"), enter(t, s, "left")
	for range 40 {
		c.pass(24 * time.Hour)
		if !admitted(t, s, used) {
			t.Fatalf("signed out after %v although it was used every day", c.now)
		}
	}
	if admitted(t, s, left) {
		t.Error("a browser that asked for nothing in 40 days is still signed in")
	}
	list, err := s.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Browser != "used" || !list[0].Seen.Equal(c.now) {
		t.Errorf("signed in: %+v, %v", list, err)
	}
}

func TestSigningOutEndsWhatIsOpen(t *testing.T) {
	t.Parallel()
	s, _, _ := open(t)
	one, other := enter(t, s, "one"), enter(t, s, "other")
	ctx, release, ok := s.Admit(t.Context(), one)
	if !ok {
		t.Fatal("not admitted")
	}
	defer release()
	stays, release, ok := s.Admit(t.Context(), other)
	if !ok {
		t.Fatal("not admitted")
	}
	defer release()
	list, err := s.List(ctx)
	if err != nil || len(list) != 2 || list[0].This == list[1].This {
		t.Fatalf("which of them asks is not told: %+v, %v", list, err)
	}
	if err := s.End(t.Context(), signin.Current(ctx)); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if stays.Err() != nil || !admitted(t, s, other) || admitted(t, s, one) {
		t.Errorf("the other one: %v", stays.Err())
	}
	if err := s.End(t.Context(), signin.Current(ctx)); charm.CodeOf(err) != charm.CodeNotFound {
		t.Errorf("signing out again: %v", err)
	}
	if n, err := s.EndAll(t.Context()); n != 1 || err != nil || admitted(t, s, other) || stays.Err() != context.Canceled {
		t.Errorf("signing all out: %d, %v", n, err)
	}
}

func TestSignInsAreBounded(t *testing.T) {
	t.Parallel()
	s, c, _ := open(t)
	first := enter(t, s, strings.Repeat("ü", 500))
	for range 100 {
		c.pass(time.Second)
		enter(t, s, "")
	}
	list, err := s.List(t.Context())
	if err != nil || len(list) != 100 || admitted(t, s, first) {
		t.Errorf("%d are signed in, %v", len(list), err)
	}
}

// The store, its log and its lock are all there is on disk.
func TestNoSecretIsOnDisk(t *testing.T) {
	t.Parallel()
	s, _, dir := open(t)
	link, _ := s.NewLink()
	cookie, err := s.Redeem(t.Context(), link, "Firefox")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	seen := false
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seen = seen || bytes.Contains(text, []byte("Firefox"))
		if bytes.Contains(text, []byte(link)) || bytes.Contains(text, []byte(cookie)) {
			t.Errorf("%s holds a secret", name)
		}
	}
	if !seen {
		t.Error("the sign-in is in none of the files; the test looks in the wrong place")
	}
}

// Signing all browsers out is for when one should not be in: the links that are
// about go with them.
func TestLinksEndWithAllSignIns(t *testing.T) {
	t.Parallel()
	s, _, _ := open(t)
	enter(t, s, "a browser")
	link, _ := s.NewLink()
	if n, err := s.EndAll(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if _, err := s.Redeem(t.Context(), link, "another"); charm.CodeOf(err) != charm.CodeUnauthorized {
		t.Errorf("a link from before lets in: %v", err)
	}
	enter(t, s, "by a new link")
}
