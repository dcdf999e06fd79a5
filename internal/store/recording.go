package store

// RecordingReader reads what runs followed from.
type RecordingReader interface {
	// Recording is what is kept of the charm's run, or ErrNotFound.
	Recording(charm int64, run string) ([]byte, error)
	// Recordings lists the charm's runs of which something is kept, the newest
	// first.
	Recordings(charm int64) ([]string, error)
}

// RecordingWriter writes it.
type RecordingWriter interface {
	// PutRecording keeps body for the charm's run, in place of what the charm's
	// place of that number, from 0, held before. ErrNotFound: no charm has its row.
	PutRecording(charm int64, place int, run string, body []byte) error
	// PruneRecordings deletes what lies in places from keep upwards, and what is
	// of runs that have no record, at most limit rows; it returns how many.
	PruneRecordings(keep, limit int) (int, error)
}
