package sqlite

import (
	"errors"
	"fmt"

	"charmd/internal/store"
)

func (v *view) Value(key string) (value string, err error) {
	err = v.row("select value from setting where key = ?", []any{key}, &value)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return value, err
}

func (t *tx) SetValue(key, value string) error {
	_, err := t.exec("insert into setting (key, value) values (?, ?) on conflict (key) do update set value = excluded.value", key, value)
	if err != nil {
		return fmt.Errorf("store the value %s: %w", key, err)
	}
	return nil
}
