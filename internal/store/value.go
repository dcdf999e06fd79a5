package store

import (
	"encoding/json"

	"charmd/internal/charm"
)

// DecodeValue reads the JSON that is stored under the key into dest, and leaves dest
// as it is when there is none. What is no JSON is a *charm.Error with CodeDataCorrupt
// that names the key.
func DecodeValue(r Reader, key string, dest any) error {
	text, err := r.Value(key)
	if err != nil || text == "" {
		return err
	}
	if err := json.Unmarshal([]byte(text), dest); err != nil {
		return charm.Errorf(charm.CodeDataCorrupt, "the value %s in the database holds what no charmd has written there: %w", key, err).
			WithHint("put a backup of the database in its place")
	}
	return nil
}
