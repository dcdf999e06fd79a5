package sqlite

import (
	"encoding/json"
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/store"
)

var (
	secretColumns = columns{"place", "key", "wrapped", "sealed", "changed"}
	putSecret     = secretColumns.upsert("secret", "place")
	selectSecret  = "select " + secretColumns.of("secret") + " from secret where place = ?"
	selectSecrets = "select " + secretColumns.of("secret") + " from secret order by place"

	connectionColumns = columns{"id", "space", "charm", "provider", "cell", "path", "email", "name", "picture", "scopes",
		"state", "reason", "since", "tried", "made", "expires", "ends"}
	putConnection     = connectionColumns.upsert("connection", "id")
	selectConnections = "select " + connectionColumns.of("connection") + " from connection order by id"
)

func scanSecret(scan func(...any) error) (s store.Secret, err error) {
	err = scan(&s.Place, &s.Key, &s.Wrapped, &s.Sealed, timeOf{&s.Changed})
	return s, err
}

func (v *view) Secret(place string) (store.Secret, error) {
	return one(v.session, selectSecret, []any{place}, scanSecret)
}

func (v *view) Secrets() ([]store.Secret, error) {
	return list(v.session, selectSecrets, nil, scanSecret)
}

func (t *tx) PutSecret(s store.Secret) error {
	if _, err := t.exec(putSecret, s.Place, s.Key, s.Wrapped, s.Sealed, millis(s.Changed)); err != nil {
		return fmt.Errorf("store the secret %s: %w", s.Place, err)
	}
	return nil
}

func (t *tx) DeleteSecret(place string) error {
	if _, err := t.exec("delete from secret where place = ?", place); err != nil {
		return fmt.Errorf("delete the secret %s: %w", place, err)
	}
	return nil
}

func (v *view) Connections() ([]charm.Connection, error) {
	return list(v.session, selectConnections, nil, func(scan func(...any) error) (c charm.Connection, err error) {
		err = scan(&c.ID, &c.Space, &c.Charm, &c.Provider, &c.Cell.ID, jsonOf{&c.Cell.Path}, &c.Account.Email, &c.Account.Name, &c.Account.Picture, jsonOf{&c.Scopes},
			&c.State, &c.Reason, timeOf{&c.Since}, timeOf{&c.Tried}, timeOf{&c.Made}, timeOf{&c.Expires}, timeOf{&c.Ends})
		return c, err
	})
}

func (t *tx) PutConnection(c charm.Connection) error {
	path, err := json.Marshal(c.Cell.Path)
	if err != nil {
		return err
	}
	scopes, err := json.Marshal(c.Scopes)
	if err == nil {
		_, err = t.exec(putConnection, c.ID, c.Space, c.Charm, c.Provider, c.Cell.ID, string(path), c.Account.Email, c.Account.Name, c.Account.Picture, string(scopes),
			string(c.State), c.Reason, millis(c.Since), millis(c.Tried), millis(c.Made), millis(c.Expires), millis(c.Ends))
	}
	if err != nil {
		return fmt.Errorf("store connection %s: %w", c.ID, err)
	}
	return nil
}

func (t *tx) DeleteConnection(id string) error {
	if err := t.must("delete from connection where id = ?", id); err != nil {
		return fmt.Errorf("delete connection %s: %w", id, err)
	}
	return nil
}
