package sqlite

import (
	"encoding/json"

	"charmd/internal/charm"
)

// ledgerText is the stored form of a run's requests; "" for none, as most runs have.
func ledgerText(list []charm.Request) (string, error) {
	if len(list) == 0 {
		return "", nil
	}
	text, err := json.Marshal(list)
	return string(text), err
}

// ledgerOf scans it.
type ledgerOf struct{ list *[]charm.Request }

func (d ledgerOf) read(c column) error {
	text := c.blob()
	*d.list = nil
	if len(text) == 0 {
		return nil
	}
	return jsonOf{d.list}.read(c)
}
