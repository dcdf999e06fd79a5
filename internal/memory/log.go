package memory

import (
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// lastCommit is what the next entry of a space's log follows.
func lastCommit(space charm.Space) merkle.Ref {
	if last := merkle.Ref(space.Commit); !last.IsZero() {
		return last
	}
	return merkle.Unclaimed(CommitJSON, space.DID)
}

// Head is the current fact of (the, of), which may be the newest entry of the
// space's log, or store.ErrNotFound.
func Head(r store.Reader, space charm.Space, the, of string) (store.Fact, error) {
	if the != CommitJSON || of != space.DID {
		return r.Head(space.Row, the, of)
	}
	if space.Since < 0 {
		return store.Fact{}, store.ErrNotFound
	}
	entry, err := r.CommitAt(space.Row, space.Since)
	if err != nil {
		return store.Fact{}, fmt.Errorf("the newest entry in the log of %s: %w", space.DID, err)
	}
	cause := merkle.Unclaimed(CommitJSON, space.DID)
	if space.Since > 0 {
		before, err := r.CommitAt(space.Row, space.Since-1)
		if err != nil {
			return store.Fact{}, fmt.Errorf("entry %d in the log of %s: %w", space.Since-1, space.DID, err)
		}
		cause = before.Ref
	}
	return store.Fact{
		Space: space.Row, The: the, Of: of, Ref: entry.Ref, Cause: cause, Since: entry.Since,
		Is: EntryText(entry.Since, entry.Transaction), At: entry.At,
	}, nil
}

// EntryText is the value of a log's entry, as JavaScript prints it.
func EntryText(since int64, transaction []byte) []byte {
	return fmt.Appendf(nil, `{"since":%d,"transaction":%s}`, since, transaction)
}
