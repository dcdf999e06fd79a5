package cli

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"charmd/internal/client"
	"charmd/internal/testbin"
)

// terminalPair is a terminal, and the end that shows what is printed to it.
func terminalPair(t *testing.T) (terminal, screen *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return terminal, screen
}

// At a terminal the start gives a link, unless a browser is signed in already.
func TestGreetingAtATerminal(t *testing.T) {
	t.Parallel()
	const link = "pages: http://127.0.0.1:8000/service/sign-in?link=ONCE"
	for name, signedIn := range map[string]bool{"nobody signed in": false, "somebody signed in": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			daemon := newFakeDaemon()
			if !signedIn {
				daemon.signIns = nil
			}
			terminal, screen := terminalPair(t)
			c := newCommandLine(nil)
			c.out.w = terminal
			if err := c.greet(t.Context(), client.New("http://127.0.0.1", fakeToken, client.InProcess(daemon))); err != nil {
				t.Fatal(err)
			}
			c.print("the end")
			shown := ""
			for lines := bufio.NewScanner(screen); lines.Scan() && lines.Text() != "the end"; {
				shown += lines.Text() + "\n"
			}
			if strings.Contains(shown, link) == signedIn || strings.Contains(shown, "pages: charmd open") != signedIn {
				t.Errorf("printed:\n%s", shown)
			}
		})
	}
}

// Row 25: secrets are in no environment of a process that charmd starts.
func TestFault25_ABrowserGetsNoSecrets(t *testing.T) {
	dir := t.TempDir()
	testbin.WriteExecutable(t, filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\nenv > \"$1\"\n"))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("CHARMD_DATA_DIR", "kept")
	for _, name := range []string{"CHARMD_TOKEN", "CHARMD_VAULT_KEY", "CHARMD_NOTIFY_TOKEN", "CHARMD_EGRESS_PROXY", "OPERATOR_PASS", "GOOGLE_CLIENT_SECRET"} {
		t.Setenv(name, "sesame")
	}
	seen := filepath.Join(dir, "seen")
	if err := startBrowser(seen); err != nil {
		t.Fatal(err)
	}
	environment, err := os.ReadFile(seen)
	if err != nil || strings.Contains(string(environment), "sesame") || !strings.Contains(string(environment), "CHARMD_DATA_DIR=kept") {
		t.Errorf("the browser was given %s, %v", environment, err)
	}
}
