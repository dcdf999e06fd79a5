package cli

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"charmd/internal/charm"
)

// The browser is started with a file, so that no process has the link among its
// arguments.
func TestOpenStartsABrowser(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newFakeDaemon())
	defer server.Close()
	dir := t.TempDir()
	type opening struct {
		name, env string
		args      []string
		fails     error
		started   bool
		want      string
	}
	openings := []opening{
		{"on a desktop", "DISPLAY=:0", []string{"open"}, nil, true, "Your browser opens."},
		{"when it does not start", "DISPLAY=:0", []string{"open"}, errors.New("no browser"), true, "Open this link in a browser:"},
		{"when only printing", "DISPLAY=:0", []string{"open", "--print"}, nil, false, "Open this link in a browser:"},
	}
	if runtime.GOOS == "linux" { // alone looks at the variables of a desktop
		openings = append(openings, opening{"on a Wayland desktop", "WAYLAND_DISPLAY=wayland-0", []string{"open"}, nil, true, "Your browser opens."})
	}
	for _, tt := range openings {
		t.Run(tt.name, func(t *testing.T) {
			c := newCommandLine(nil, tt.env, "CHARMD_URL="+server.URL, "CHARMD_TOKEN="+fakeToken, "XDG_RUNTIME_DIR="+dir)
			file := ""
			c.browse = func(name string) error {
				file = name
				return tt.fails
			}
			if code := c.main(tt.args); code != charm.ExitOK {
				t.Fatalf("exit code %d: %s", code, c.stderr.String())
			}
			contains(t, "stdout", c.stdout.String(), tt.want, "  "+server.URL+"/service/sign-in?link=ONCE\n")
			if (file != "") != tt.started {
				t.Fatalf("started with %q", file)
			}
			if !tt.started {
				return
			}
			if strings.Contains(file, "ONCE") || filepath.Dir(file) != filepath.Join(dir, "charmd") {
				t.Errorf("the file is %s", file)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			contains(t, "the file", string(text), `content="0;url=`+server.URL+`/service/sign-in?link=ONCE"`)
			if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
				t.Errorf("others may read it: %v, %v", info.Mode(), err)
			}
		})
	}
}
