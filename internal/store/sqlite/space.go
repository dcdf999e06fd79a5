package sqlite

import (
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/store"
)

const selectSpace = "select row, did, name, created, since, ref from space "

func scanSpace(scan func(...any) error) (s charm.Space, err error) {
	err = scan(&s.Row, &s.DID, &s.Name, timeOf{&s.CreatedAt}, &s.Since, refOf{&s.Commit})
	return s, err
}

func (v *view) Space(did string) (charm.Space, error) {
	return one(v.session, selectSpace+"where did = ?", []any{did}, scanSpace)
}

func (v *view) SpaceNamed(name string) (charm.Space, error) {
	// The second condition lets SQLite use the index, which has no empty names.
	return one(v.session, selectSpace+"where name = ? and name <> ''", []any{name}, scanSpace)
}

func (v *view) Spaces() ([]charm.Space, error) {
	return list(v.session, selectSpace+"order by row", nil, scanSpace)
}

func (v *view) Weigh(space int64, the string) (memories, bytes int64, err error) {
	err = v.row("select count(*), coalesce(sum(length(f.value)), 0) from memory m join fact f on f.row = m.head "+
		"where m.space = ? and m.the = ? and f.value is not null", []any{space, the}, &memories, &bytes)
	return memories, bytes, err
}

func (t *tx) PutSpace(s charm.Space) (int64, error) {
	row := s.Row
	var err error
	if row == 0 {
		err = t.returning("insert into space (did, name, created) values (?, ?, ?) returning row",
			[]any{s.DID, s.Name, millis(s.CreatedAt)}, &row)
	} else {
		t.known.dropSpaces()
		err = t.must("update space set name = ? where row = ?", s.Name, row)
	}
	if isUnique(err) {
		return 0, charm.Errorf(charm.CodeConflict, "a space with the DID %s or the name %q is there already: %w", s.DID, s.Name, err)
	}
	if err != nil {
		return 0, fmt.Errorf("store space %s: %w", s.DID, err)
	}
	return row, nil
}

// spaceRow is the row of the space with the DID.
func (v *view) spaceRow(did string) (row int64, err error) {
	if err = v.row("select row from space where did = ?", []any{did}, &row); err != nil {
		return 0, fmt.Errorf("space %s: %w", did, err)
	}
	return row, nil
}

// must changes exactly the rows that a key names, or returns store.ErrNotFound.
func (t *tx) must(query string, args ...any) error {
	n, err := t.exec(query, args...)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}
