package cli

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestSeedTranscript runs the seed document's commands in its order with its
// variables. It takes the seed's own port, 8000, where that is free, and says
// which it took; everything else is the same with another one.
func TestSeedTranscript(t *testing.T) {
	port := "8000"
	if l, err := net.Listen("tcp", "127.0.0.1:"+port); err != nil {
		_, port, _ = net.SplitHostPort(freeAddress(t)) // it has just been written by net itself
		t.Logf("port 8000 is taken on this machine; the transcript uses %s", port)
	} else if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	transcripts(t, filepath.Join("testdata", "seed"), func(e *testscript.Env) error {
		e.Setenv("PORT", port)
		if port != "8000" {
			e.Setenv("CHARMD_LISTEN", "127.0.0.1:"+port)
		}
		return nil
	})
}

// TestSeedTranscriptBesideAToolshed runs them beside a toolshed that is another
// charmd, at $FREE; the service listens at $CHARMD_LISTEN.
func TestSeedTranscriptBesideAToolshed(t *testing.T) {
	t.Parallel()
	transcripts(t, filepath.Join("testdata", "beside"), func(e *testscript.Env) error {
		e.Setenv("CHARMD_LISTEN", freeAddress(t))
		return nil
	})
}
