package certificate

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charmd/internal/certificate/certtest"
	"charmd/internal/charm"
)

const dayLong = 24 * time.Hour

// place copies a pair of files over another.
func place(t *testing.T, to, from Files) {
	t.Helper()
	for at, source := range map[string]string{to.Cert: from.Cert, to.Key: from.Key} {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func made(t *testing.T, dir, name string, from, to time.Time, hosts ...string) Files {
	t.Helper()
	cert, key := certtest.Make(t, dir, name, from, to, hosts...)
	return Files{cert, key}
}

func TestWhatIsNoPair(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	good := made(t, dir, "good", now.Add(-dayLong), now.Add(dayLong))
	other := made(t, dir, "other", now.Add(-dayLong), now.Add(dayLong))
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("no PEM at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	huge := filepath.Join(dir, "huge")
	if err := os.WriteFile(huge, make([]byte, maxFileBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name      string
		files     Files
		say, hint string
	}{
		{"no certificate", Files{filepath.Join(dir, "none"), good.Key}, "the certificate for TLS cannot be read: ", "--tls-cert"},
		{"no key", Files{good.Cert, filepath.Join(dir, "none")}, "the key for TLS cannot be read: ", "--tls-key"},
		{"a directory", Files{dir, good.Key}, "the certificate for TLS cannot be read: ", "--tls-cert"},
		{"too large", Files{huge, good.Key}, "larger than 1 MiB", "--tls-cert"},
		{"another's key", Files{good.Cert, other.Key}, "other.key is not that of the certificate in ", "made together"},
		{"switched", Files{good.Key, good.Cert}, "good.key holds no certificate", "BEGIN CERTIFICATE"},
		{"a text as certificate", Files{text, good.Key}, "text holds no certificate", "BEGIN CERTIFICATE"},
		{"a text as key", Files{good.Cert, text}, "text holds no private key", "BEGIN PRIVATE KEY"},
		{"the certificate as key", Files{good.Cert, good.Cert}, "good.crt holds no private key", "BEGIN PRIVATE KEY"},
		{"expired", made(t, dir, "old", now.Add(-2*dayLong), now.Add(-time.Hour)), "old.crt has expired on ", "renew"},
		{"not yet good", made(t, dir, "new", now.Add(time.Hour), now.Add(dayLong)), "new.crt is good from ", "clock"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := tc.files.Read(now)
			e, ok := err.(*charm.Error)
			if !ok || e.Code != charm.CodeUsage || !strings.Contains(e.Message, tc.say) || !strings.Contains(e.Hint, tc.hint) || strings.Contains(e.Message, "\n") {
				t.Errorf("%#v", err)
			}
		})
	}
	if _, err := good.Read(now); err != nil {
		t.Error(err)
	}
}

func TestEnding(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tc := range []struct {
		lives, left time.Duration
		want        string // the beginning after "the certificate for TLS "
	}{
		{90 * dayLong, 15 * dayLong, ""},
		{90 * dayLong, 13 * dayLong, "expires in 13 days, on "},
		{6 * dayLong, 2 * dayLong, ""},
		{6 * dayLong, dayLong, "expires in 24h, on "},
		{90 * dayLong, -time.Hour, "has expired on "},
	} {
		files := made(t, t.TempDir(), "x", now.Add(tc.left-tc.lives), now.Add(tc.left))
		p, err := files.Read(now.Add(min(0, tc.left-time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := strings.CutPrefix(p.Ending(p.Ends().Add(-tc.left)), "the certificate for TLS ")
		if (got == "") != (tc.want == "") || !strings.HasPrefix(got, tc.want) || tc.left < 0 != p.Ended(now) {
			t.Errorf("%v of %v left: %q", tc.left, tc.lives, got)
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p, err := made(t, t.TempDir(), "x", now.Add(-dayLong), now.Add(dayLong), "charmd.example.org", "*.lan", "192.0.2.7", "::1").Read(now)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"charmd.example.org": true, "CHARMD.example.org": true, "nas.lan": true, "192.0.2.7": true, "::1": true,
		"example.org": false, "a.nas.lan": false, "192.0.2.8": false, "127.0.0.1": false,
	} {
		if p.Covers(host) != want {
			t.Errorf("%s: want %v", host, want)
		}
	}
}

// What lies in the two files is served when it is good, and told of when it is not,
// but for the moment between the writing of one file and that of the other.
func TestAPairTakesAnothersPlace(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	first := made(t, dir, "first", now.Add(-dayLong), now.Add(90*dayLong))
	second := made(t, dir, "second", now.Add(-dayLong), now.Add(91*dayLong))
	old := made(t, dir, "old", now.Add(-3*dayLong), now.Add(-dayLong))
	at := Files{filepath.Join(dir, "at.crt"), filepath.Join(dir, "at.key")}
	place(t, at, first)
	if err := os.Chmod(at.Key, 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	k, err := Open(at, time.Now, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "everybody on this machine may read the key for TLS") {
		t.Errorf("of the key's mode the log says %q", &log)
	}
	var told []string
	look := func() {
		k.look(func(pairs ...*Pair) {
			var names []string
			for _, p := range pairs {
				names = append(names, p.Fingerprint()[:8])
			}
			told = append(told, strings.Join(names, "+"))
		})
	}
	print := func(f Files) string {
		p, err := f.Read(now)
		if err != nil {
			t.Fatal(err)
		}
		return p.Fingerprint()[:8]
	}
	wants := func(when, served string, trouble, lines int) {
		t.Helper()
		if got := k.Pair().Fingerprint()[:8]; got != served || len(k.Trouble()) != trouble || strings.Count(log.String(), "\n") != lines {
			t.Errorf("%s: serves %s, trouble %q, log:\n%s", when, got, k.Trouble(), &log)
		}
	}
	one, two := print(first), print(second)
	look()
	wants("as it was", one, 0, 1)
	place(t, at, Files{second.Cert, first.Key})
	look()
	wants("half of it replaced", one, 0, 1)
	place(t, at, second)
	look()
	wants("replaced", two, 0, 2)
	if want := []string{two + "+" + one, two}; strings.Join(told, " ") != strings.Join(want, " ") {
		t.Errorf("told %q, want %q", told, want)
	}
	place(t, at, old)
	look()
	wants("an expired one, at first sight", two, 0, 2)
	look()
	wants("an expired one", two, 1, 3)
	look()
	wants("the same again", two, 1, 3)
	if err := os.Remove(at.Cert); err != nil {
		t.Fatal(err)
	}
	look()
	look()
	wants("none", two, 1, 4)
	place(t, at, second)
	look()
	wants("back", two, 0, 4)
	k.now = func() time.Time { return now.Add(80 * dayLong) }
	k.warn()
	k.warn()
	wants("shortly before the end", two, 1, 5)
	if secure := k.TLS(); secure.MinVersion < 0x0303 {
		t.Errorf("from version %x", secure.MinVersion)
	}
}
