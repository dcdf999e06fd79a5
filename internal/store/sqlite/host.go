package sqlite

import (
	"fmt"

	"charmd/internal/charm"
)

var hostColumns = columns{"name", "who", "failures", "since", "until", "reason"}

var (
	putHost     = hostColumns.upsert("host", "name", "who")
	selectHosts = "select " + hostColumns.of("host") + " from host order by name, who"
)

func (v *view) Hosts() ([]charm.Host, error) {
	return list(v.session, selectHosts, nil, func(scan func(...any) error) (h charm.Host, err error) {
		err = scan(&h.Name, &h.Who, &h.Failures, timeOf{&h.Since}, timeOf{&h.Until}, &h.Reason)
		return h, err
	})
}

func (t *tx) PutHost(h charm.Host) error {
	if _, err := t.exec(putHost, h.Name, h.Who, h.Failures, millis(h.Since), millis(h.Until), h.Reason); err != nil {
		return fmt.Errorf("store host %s: %w", h.Name, err)
	}
	return nil
}

func (t *tx) DeleteHost(name, who string) error {
	if _, err := t.exec("delete from host where name = ? and who = ?", name, who); err != nil {
		return fmt.Errorf("delete host %s: %w", name, err)
	}
	return nil
}
