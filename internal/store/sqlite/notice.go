package sqlite

import (
	"fmt"

	"charmd/internal/store"
)

const dropNotices = "delete from notice where row in (select row from notice order by row desc limit -1 offset ?)"

func (v *view) FirstNotice() (n store.Notice, err error) {
	err = v.row("select id, body, attempts, due from notice order by row limit 1", nil, &n.ID, &n.Body, &n.Attempts, timeOf{&n.Due})
	return n, err
}

func (t *tx) AddNotice(n store.Notice, keep int) (int, error) {
	_, err := t.exec("insert into notice (id, body, attempts, due) values (?, ?, ?, ?)", n.ID, n.Body, n.Attempts, millis(n.Due))
	var dropped int64
	if err == nil {
		dropped, err = t.exec(dropNotices, keep)
	}
	if err != nil {
		return 0, fmt.Errorf("store notice %s: %w", n.ID, err)
	}
	return int(dropped), nil
}

func (t *tx) PutNotice(n store.Notice) error {
	if err := t.must("update notice set attempts = ?, due = ? where id = ?", n.Attempts, millis(n.Due), n.ID); err != nil {
		return fmt.Errorf("store notice %s: %w", n.ID, err)
	}
	return nil
}

func (t *tx) DeleteNotice(id string) error {
	if err := t.must("delete from notice where id = ?", id); err != nil {
		return fmt.Errorf("delete notice %s: %w", id, err)
	}
	return nil
}
