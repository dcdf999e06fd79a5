package queue

import (
	"encoding/json"
	"errors"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// untoldKey holds the rows of charms that a start has disabled and that nobody
// was told of yet: the parts that tell do not exist while the queue is opened, and
// the process may end before they do.
const untoldKey = "queue.untold"

// keepUntold remembers charms to tell of.
func (q *Queue) keepUntold(tx store.Tx, disabled []charm.Charm) error {
	if len(disabled) == 0 {
		return nil
	}
	rows, err := untold(tx)
	if err != nil {
		return err
	}
	for _, c := range disabled {
		rows = append(rows, c.Row)
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	return tx.SetValue(untoldKey, string(text))
}

// TakeUntold lists the charms that starts have disabled and that nobody was told
// of; with tx they count as told.
func (q *Queue) TakeUntold(tx store.Tx) (list []charm.Charm, err error) {
	rows, err := untold(tx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	for _, row := range rows {
		c, err := tx.Charm(row)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, tx.SetValue(untoldKey, "")
}

func untold(r store.Reader) (rows []int64, err error) {
	err = store.DecodeValue(r, untoldKey, &rows)
	return rows, err
}
