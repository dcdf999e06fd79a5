package toolshed

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"charmd/internal/charm"
)

// The table of limits in docs/security.md says what the server does.
func TestLimitsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	shed := newToolshed(idle{})
	server := shed.Server(nil)
	for _, row := range []string{
		fmt.Sprintf("| connections, those of the memory included | %d,%03d |", charm.MaxHTTPConnections/1000, charm.MaxHTTPConnections%1000),
		fmt.Sprintf("| requests under way on one connection of HTTP/2 | %d |", server.HTTP2.MaxConcurrentStreams),
		fmt.Sprintf("| a connection without a request | %.0f minutes |", server.IdleTimeout.Minutes()),
		fmt.Sprintf("| a request's headers; the time to send them | %d KiB; %.0f s |", server.MaxHeaderBytes>>10, server.ReadHeaderTimeout.Seconds()),
		fmt.Sprintf("| a body; the time to send it | %d MiB; %.0f s |", maxBody>>20, server.ReadTimeout.Seconds()),
		fmt.Sprintf("| the time to take an answer | %.0f minute |", shed.writeWithin.Minutes()),
		fmt.Sprintf("| connections | %d,%03d |", charm.MaxConnections/1000, charm.MaxConnections%1000),
		fmt.Sprintf("| of those, by which no signed request has come yet | %d; %.0f s |", charm.MaxStrangers, charm.SignWithin.Seconds()),
		fmt.Sprintf("| wall time | `--timeout`, %.0f minutes at most |", charm.MaxTimeout.Minutes()),
		fmt.Sprintf("| documents looked at | %d,%03d |", charm.MaxDocumentsPerRun/1000, charm.MaxDocumentsPerRun%1000),
		fmt.Sprintf("| one document; all changes together | %d MiB; %d MiB |", charm.MaxDocumentBytes>>20, charm.MaxChangesetBytes>>20),
		fmt.Sprintf("| nesting | %d levels |", charm.MaxDepth),
		fmt.Sprintf("| log; requests kept; error message | %d KiB; %d KiB; %d KiB |", charm.MaxLogBytes>>10, charm.MaxLedgerBytes>>10, charm.MaxErrorBytes>>10),
		fmt.Sprintf("| source of a recipe | %d MiB |", charm.MaxSourceBytes>>20),
		fmt.Sprintf("| subscribed pairs of a connection, of all | %d,%03d; %d,%03d |", charm.MaxConnectionWatches/1000, charm.MaxConnectionWatches%1000, charm.MaxWatches/1000, charm.MaxWatches%1000),
	} {
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/security.md has no row %s", row)
		}
	}
}
