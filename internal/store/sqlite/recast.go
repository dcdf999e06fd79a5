package sqlite

import (
	"fmt"

	"charmd/internal/store"
)

var (
	recastColumns  = columns{"charm", "since", "at", "before", "after"}
	addRecast      = recastColumns.insert("recast")
	selectRecasts  = "select " + recastColumns.of("recast") + " from recast where charm = ? order by since desc"
	dropOldRecasts = "delete from recast where charm = ? and since in (select since from recast where charm = ? order by since desc limit -1 offset ?)"
)

func (v *view) Recasts(charm int64) ([]store.Recast, error) {
	return list(v.session, selectRecasts, []any{charm}, func(scan func(...any) error) (r store.Recast, err error) {
		err = scan(&r.Charm, &r.Since, timeOf{&r.At}, &r.Before, &r.After)
		return r, err
	})
}

func (t *tx) AddRecast(r store.Recast, keep int) error {
	_, err := t.exec(addRecast, r.Charm, r.Since, millis(r.At), r.Before, r.After)
	if isMissingParent(err) {
		err = store.ErrNotFound
	}
	if err == nil {
		_, err = t.exec(dropOldRecasts, r.Charm, r.Charm, keep)
	}
	if err != nil {
		return fmt.Errorf("store the new recipe of charm %d: %w", r.Charm, err)
	}
	return nil
}

func (t *tx) DropRecast(charm int64) error {
	if err := t.must("delete from recast where charm = ? and since = (select max(since) from recast where charm = ?)", charm, charm); err != nil {
		return fmt.Errorf("drop a recipe of charm %d: %w", charm, err)
	}
	return nil
}
