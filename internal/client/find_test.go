package client

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"charmd/internal/charm"
)

// dataDir makes a data directory with a token.
func dataDir(t *testing.T, token string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		if err := os.WriteFile(filepath.Join(dir, TokenFile), []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFind(t *testing.T) {
	t.Parallel()
	one, two, other := dataDir(t, "token one"), dataDir(t, "token two"), dataDir(t, "token other")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(one, link); err != nil {
		t.Fatal(err)
	}
	const fallback = "http://127.0.0.1:8000"
	running := func(dirs ...string) string {
		runtimeDir := filepath.Join(t.TempDir(), "charmd")
		for i, dir := range dirs {
			f := RuntimeFile{URL: "http://127.0.0.1:" + []string{"9001", "9002"}[i], DataDir: dir, PID: os.Getpid()}
			if err := f.write(runtimeDir); err != nil {
				t.Fatal(err)
			}
		}
		return runtimeDir
	}
	for _, tc := range []struct {
		name   string
		lookup Lookup
		want   Place
	}{
		{"CHARMD_URL first", Lookup{URL: "http://localhost:1", DataDir: one, RuntimeDir: running(one)},
			Place{URL: "http://localhost:1", Token: "token one", DataDir: one, Named: true}},
		{"CHARMD_URL by its number", Lookup{URL: "http://[::1]:1", DataDir: one, RuntimeDir: running(one)},
			Place{URL: "http://[::1]:1", Token: "token one", DataDir: one, Named: true}},
		{"another machine gets no token of ours", Lookup{URL: "https://h:1", DataDir: one, RuntimeDir: running(one)},
			Place{URL: "https://h:1", DataDir: one, Named: true}},
		{"nor one that only sounds like us", Lookup{URL: "http://localhost.example:1", DataDir: one, RuntimeDir: running(one)},
			Place{URL: "http://localhost.example:1", DataDir: one, Named: true}},
		{"but the one that it was given", Lookup{URL: "https://h:1", Token: "given", DataDir: one, RuntimeDir: running(one)},
			Place{URL: "https://h:1", Token: "given", Given: true, DataDir: one, Named: true}},
		{"the file that names our data directory", Lookup{DataDir: two, DataDirGiven: true, RuntimeDir: running(one, two)},
			Place{URL: "http://127.0.0.1:9002", Token: "token two", DataDir: two}},
		{"by another path", Lookup{DataDir: link, DataDirGiven: true, RuntimeDir: running(one, two)},
			Place{URL: "http://127.0.0.1:9001", Token: "token one", DataDir: one}},
		{"the default directory counts as ours", Lookup{DataDir: one, RuntimeDir: running(two, one)},
			Place{URL: "http://127.0.0.1:9002", Token: "token one", DataDir: one}},
		{"the only one", Lookup{DataDir: other, RuntimeDir: running(two)},
			Place{URL: "http://127.0.0.1:9001", Token: "token two", DataDir: two}},
		{"the only one is not meant when a directory was given", Lookup{DataDir: other, DataDirGiven: true, RuntimeDir: running(two)},
			Place{URL: fallback, Token: "token other", DataDir: other}},
		{"two, neither ours", Lookup{DataDir: other, RuntimeDir: running(one, two)},
			Place{URL: fallback, Token: "token other", DataDir: other}},
		{"none", Lookup{DataDir: other, RuntimeDir: running()},
			Place{URL: fallback, Token: "token other", DataDir: other}},
		{"another one has the address", Lookup{DataDir: other, DataDirGiven: true, Default: "https://127.0.0.1:9002", RuntimeDir: running(one, two)},
			Place{URL: "https://127.0.0.1:9002", Token: "token other", DataDir: other, Other: two}},
		{"a token that was given", Lookup{DataDir: one, Token: "given", RuntimeDir: running(one)},
			Place{URL: "http://127.0.0.1:9001", Token: "given", Given: true, DataDir: one}},
		{"no token", Lookup{DataDir: "/nonexistent/data", RuntimeDir: running()},
			Place{URL: fallback, DataDir: "/nonexistent/data"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.lookup.Default == "" {
				tc.lookup.Default = fallback
			}
			got, err := Find(tc.lookup)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Row 25: while no daemon has our data directory, whoever listens at its address is told
// no token of it: another user of the machine could wait there for one.
func TestFault25_NoTokenForWhoWaitsAtOurAddress(t *testing.T) {
	t.Parallel()
	dir := dataDir(t, "token one")
	for _, tc := range []struct {
		name string
		held bool
		l    Lookup
		want string
	}{
		{"no daemon has it", false, Lookup{}, ""},
		{"one has it, and left no file", true, Lookup{}, "token one"},
		{"a token that was given", false, Lookup{Token: "given"}, "given"},
		{"an address that was given", false, Lookup{URL: "http://127.0.0.1:1"}, "token one"},
	} {
		tc.l.DataDir, tc.l.RuntimeDir, tc.l.Default = dir, filepath.Join(t.TempDir(), "charmd"), "http://127.0.0.1:8000"
		tc.l.Held = func(of string) bool { return of == dir && tc.held }
		if p, err := Find(tc.l); err != nil || p.Token != tc.want {
			t.Errorf("%s: the token is %q, %v, want %q", tc.name, p.Token, err, tc.want)
		}
	}
}

// Row 25: nor is it told anything else, of which a secret that is to be kept would be most.
func TestFault25_NothingForWhoWaitsAtOurAddress(t *testing.T) {
	t.Parallel()
	heard := make(chan string, 10)
	there := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.URL.Path }))
	t.Cleanup(there.Close)
	l := Lookup{DataDir: dataDir(t, "token one"), RuntimeDir: filepath.Join(t.TempDir(), "charmd"), Held: func(string) bool { return false }}
	set := func(address, given string) error {
		l.Default, l.Token = address, given
		p, err := Find(l)
		if err != nil {
			t.Fatal(err)
		}
		return p.Client().SetSecret(t.Context(), "name", "value")
	}
	err := set(there.URL, "")
	e, ok := errors.AsType[*charm.Error](err)
	if !ok || !errors.Is(err, ErrNobodyAnswers) || e.Message != "something answers at "+there.URL+", and it is not the charmd of "+l.DataDir || !strings.Contains(e.Hint, "CHARMD_TOKEN") {
		t.Errorf("got %#v", err)
	}
	if len(heard) > 0 {
		t.Errorf("it was asked for %s", <-heard)
	}
	if err := set("http://127.0.0.1:1", ""); !errors.Is(err, ErrNobodyAnswers) || !strings.Contains(err.Error(), "no charmd is running") {
		t.Errorf("where nobody listens: %v", err)
	}
	if _ = set(there.URL, "given"); len(heard) != 1 {
		t.Error("who is given a token for it does not reach it")
	}

	// Who may not read the token cannot see either who has the directory.
	l.DataDir, l.Token = t.TempDir(), ""
	if err := os.Mkdir(filepath.Join(l.DataDir, TokenFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if p, err := Find(l); err == nil {
		t.Errorf("a token that cannot be read leads to %+v", p)
	}
}

func TestFindRefusesWhatIsNoAddress(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"localhost:8000", "ftp://h", "http://", "http://[", "/run/charmd.sock"} {
		if _, err := Find(Lookup{URL: bad}); charm.CodeOf(err) != charm.CodeUsage {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestFindRefusesAnotherUsersDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(Lookup{DataDir: dir, RuntimeDir: dir}); charm.CodeOf(err) != charm.CodeForbidden {
		t.Errorf("error is %v", err)
	}
	if err := (RuntimeFile{URL: "http://127.0.0.1:1", DataDir: dir, PID: 1}).write(dir); charm.CodeOf(err) != charm.CodeForbidden {
		t.Errorf("write: error is %v", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if _, err := runtimeFiles(link); charm.CodeOf(err) != charm.CodeForbidden {
		t.Errorf("a symbolic link: error is %v", err)
	}
}
