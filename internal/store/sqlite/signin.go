package sqlite

import (
	"fmt"

	"charmd/internal/store"
)

var signInColumns = columns{"hash", "created", "seen", "browser"}

var (
	putSignIn     = signInColumns.upsert("signin", "hash")
	selectSignIn  = "select " + signInColumns.of("signin") + " from signin where hash = ?"
	selectSignIns = "select " + signInColumns.of("signin") + " from signin order by created desc, hash"
)

func scanSignIn(scan func(...any) error) (s store.SignIn, err error) {
	err = scan(refOf{&s.Hash}, timeOf{&s.Created}, timeOf{&s.Seen}, &s.Browser)
	return s, err
}

func (v *view) SignIn(hash [32]byte) (store.SignIn, error) {
	return one(v.session, selectSignIn, []any{hash[:]}, scanSignIn)
}

func (v *view) SignIns() ([]store.SignIn, error) {
	return list(v.session, selectSignIns, nil, scanSignIn)
}

func (t *tx) PutSignIn(s store.SignIn) error {
	if _, err := t.exec(putSignIn, s.Hash[:], millis(s.Created), millis(s.Seen), s.Browser); err != nil {
		return fmt.Errorf("store a sign-in: %w", err)
	}
	return nil
}

func (t *tx) DeleteSignIn(hash [32]byte) error {
	if _, err := t.exec("delete from signin where hash = ?", hash[:]); err != nil {
		return fmt.Errorf("delete a sign-in: %w", err)
	}
	return nil
}
