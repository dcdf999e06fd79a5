package sqlite

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"charmd/internal/charm"
)

// The pragmas of the connections. Checkpoints are run by this package alone, so
// that they do not fall into a commit that callers wait for. Page caches are in
// KiB (negative numbers): the writer's holds the upper pages of every index.
var (
	everyPragma = []string{
		"busy_timeout = 5000",
		"foreign_keys = on",
		"trusted_schema = off",
		"cell_size_check = on",
		"temp_store = memory",
		"wal_autocheckpoint = 0",
	}
	writerPragmas = append(everyPragma[:len(everyPragma):len(everyPragma)],
		"synchronous = full",
		"journal_size_limit = 67108864",
		"cache_size = -8192",
	)
	readerPragmas = append(everyPragma[:len(everyPragma):len(everyPragma)],
		"cache_size = -2048",
		"query_only = on",
	)
	checkpointPragmas = append(everyPragma[:len(everyPragma):len(everyPragma)],
		"synchronous = full",
		"cache_size = -64",
	)
)

// dsn is the URI of the database file, whatever its path contains.
func dsn(path string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a drive letter
	}
	u := url.URL{Scheme: "file", Path: slashed}
	return u.String()
}

// create sets what can only be set before the first table is made.
func create(ctx context.Context, s *session) error {
	for _, p := range []string{"auto_vacuum = incremental", fmt.Sprintf("application_id = %d", applicationID)} {
		if err := s.script(ctx, "pragma "+p); err != nil {
			return explain(fmt.Errorf("pragma %s: %w", p, err), s.path)
		}
	}
	return nil
}

// journal puts the database in write-ahead mode and reads back every pragma
// that durability or integrity hangs on: some are dropped without an error, on
// file systems that lack shared memory for one.
func journal(ctx context.Context, s *session) error {
	mode, err := s.word(ctx, "pragma journal_mode = wal")
	if err != nil {
		return explain(err, s.path)
	}
	if mode != "wal" {
		return charm.Errorf(charm.CodeDataUnusable, "the database %s cannot have a write-ahead log here (journal mode is %s)", s.path, mode).
			WithHint("choose a directory on a local disk with --data-dir")
	}
	for _, want := range []struct {
		pragma string
		value  int64
	}{
		{"synchronous", 2}, {"foreign_keys", 1}, {"busy_timeout", 5000}, {"auto_vacuum", 2}, {"application_id", applicationID},
	} {
		have, err := s.number(ctx, "pragma "+want.pragma)
		if err != nil {
			return explain(err, s.path)
		}
		if have != want.value {
			return charm.Errorf(charm.CodeDataUnusable, "the database %s does not take the setting %s = %d (it is %d)",
				s.path, want.pragma, want.value, have).WithHint("choose another directory with --data-dir")
		}
	}
	return nil
}
