package sqlite

import (
	"fmt"

	"charmd/internal/store"
)

var (
	recordingColumns = columns{"charm", "place", "run", "body"}
	putRecording     = recordingColumns.upsert("recording", "charm", "place")
)

const pruneRecordings = "delete from recording where (charm, place) in (select charm, place from recording " +
	"where place >= ? or not exists (select 1 from run where run.id = recording.run) limit ?)"

func (v *view) Recording(charm int64, run string) (body []byte, err error) {
	err = v.row("select body from recording where charm = ? and run = ?", []any{charm, run}, &body)
	return body, err
}

func (v *view) Recordings(charm int64) ([]string, error) {
	return list(v.session, "select run from recording where charm = ? order by run desc", []any{charm}, scanText)
}

func (t *tx) PutRecording(charm int64, place int, run string, body []byte) error {
	_, err := t.exec(putRecording, charm, place, run, body)
	if isMissingParent(err) {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("store the recording of run %s: %w", run, err)
	}
	return nil
}

func (t *tx) PruneRecordings(keep, limit int) (int, error) {
	n, err := t.exec(pruneRecordings, keep, limit)
	if err != nil {
		return 0, fmt.Errorf("prune recordings: %w", err)
	}
	return int(n), nil
}
