package manager

import (
	"strings"
	"testing"

	"charmd/internal/api"
	"charmd/internal/charm"
)

// Row 25: a charm whose name nobody chose is called after its file, which may be a
// stranger's, and is called nothing that a person could not have chosen.
func TestFault25_NamesOfFilesAreNamesOfCharms(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"news.tsx": "news", "My news 2.tsx": "My news 2", "über.tsx": "über", "a.b.tsx": "a.b",
		`..\..\x.tsx`: "..-..-x", `C:\x.tsx`: "C--x", "\u202egpj.tsx": "-gpj", "a\x1b[31m.tsx": "a--31m", "<b>.tsx": "-b-", "\xffx.tsx": "-x",
		"...tsx": "charm", "..tsx": "charm", ".tsx": "charm", " .tsx": "charm", " x .tsx": "x",
		strings.Repeat("ä", 200) + ".tsx": strings.Repeat("ä", 95),
	} {
		if got := baseName(charm.Recipe{Name: file}); got != want {
			t.Errorf("%q is called %q, want %q", file, got, want)
		} else if err := checkName("--name", got); err != nil {
			t.Error(err)
		}
	}
}

// Whoever asks without the command line is told of what cannot be allowed, too.
func TestHostsThatCannotBeAllowed(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"*", "10.0.0.0/8", "http://nas.lan", "nas.lan:99999", "\x1b[31m", ""} {
		if _, err := new(Manager).plan(api.AddRequest{AllowHosts: []string{host}}); charm.CodeOf(err) != charm.CodeUsage {
			t.Errorf("%q: %v", host, err)
		}
	}
}
