package sqlite

import "time"

// Commit is a transaction of the database that wrote something, or failed.
type Commit struct {
	Members int           // callers that shared it
	Facts   int           // facts that it added
	Took    time.Duration // for the disk to say that it has it
	Err     error         // why it failed; nothing else is known then
}

// committed tells of a transaction that is on disk.
func (db *DB) committed(members []*member, took time.Duration) {
	c := Commit{Members: len(members), Took: took}
	for _, m := range members {
		if m.err == nil {
			c.Facts += m.facts
		}
	}
	db.tell(c)
}

func (db *DB) tell(c Commit) {
	if db.options.Committed != nil {
		db.options.Committed(c)
	}
}

// timed is a checkpoint on the session, whose time is told.
func (db *DB) timed(s *session, mode string) (logState, error) {
	began := time.Now()
	l, err := s.checkpoint(mode)
	if db.options.Checkpointed != nil {
		db.options.Checkpointed(time.Since(began))
	}
	return l, err
}
