package cli

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"charmd/internal/testbin"
)

// TestServiceTranscripts runs the transcripts of testdata/service with the real
// program. $LISTEN is an address it may listen on.
func TestServiceTranscripts(t *testing.T) {
	t.Parallel()
	program := testbin.Path(t)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "service"),
		Setup: func(e *testscript.Env) error {
			bin := filepath.Join(e.WorkDir, ".bin")
			if err := os.MkdirAll(bin, 0o755); err != nil {
				return err
			}
			e.Setenv("PATH", bin+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("XDG_RUNTIME_DIR", filepath.Join(e.WorkDir, "run"))
			e.Setenv("LISTEN", freeAddress(t))
			e.Setenv("CHARMD_LISTEN", e.Getenv("LISTEN"))
			e.Setenv("TZ", "UTC")
			return os.Symlink(program, filepath.Join(bin, "charmd"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"clean": clean, "empty": empty, "exits": exits, "eventually": eventually,
		},
	})
}

// eventually repeats a command until it succeeds: eventually COMMAND ARG...
func eventually(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(30 * time.Second)
	for ts.Exec(args[0], args[1:]...) != nil {
		if time.Now().After(deadline) {
			ts.Fatalf("%v still fails:\n%s", args, ts.ReadFile("stderr"))
		}
		time.Sleep(20 * time.Millisecond) // between two processes there is nothing to wait on
	}
}
