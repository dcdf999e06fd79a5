package sqlite

import (
	"encoding/json"
	"fmt"

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

func (d ledgerOf) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("a ledger is stored as %T", v)
	}
	*d.list = nil
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), d.list)
}
