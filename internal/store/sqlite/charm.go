package sqlite

import (
	"encoding/json"
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/store"
)

var (
	charmColumns = columns{"space", "id", "name", "recipe", "integration", "every", "cron", "zone", "timeout",
		"priority", "allow_hosts", "probe_never", "registered", "created", "updated"}
	insertCharm = charmColumns.insert("charm") + " returning row"
	updateCharm = charmColumns.update("charm", "row")
	selectCharm = "select c.row, s.did, s.name, " + charmColumns[1:].of("c") +
		" from charm c join space s on s.row = c.space "
)

// noHosts is the stored form of no list, as nearly all charms have.
const noHosts = "null"

func scanCharm(scan func(...any) error) (c charm.Charm, err error) {
	err = scan(&c.Row, &c.Space, &c.SpaceName, &c.ID, &c.Name, &c.Recipe, &c.Integration,
		durationOf{&c.Schedule.Every}, &c.Schedule.Cron, &c.Schedule.Zone, durationOf{&c.Timeout},
		&c.Priority, hostsOf{&c.AllowHosts}, &c.ProbeNever, &c.Registered, timeOf{&c.CreatedAt}, timeOf{&c.UpdatedAt})
	return c, err
}

// hostsOf scans a list of hosts.
type hostsOf struct{ list *[]string }

func (d hostsOf) read(c column) error {
	if string(c.blob()) == noHosts {
		*d.list = nil
		return nil
	}
	return jsonOf{d.list}.read(c)
}

func (v *view) Charm(row int64) (charm.Charm, error) {
	return one(v.session, selectCharm+"where c.row = ?", []any{row}, scanCharm)
}

func (v *view) CharmByID(space, id string) (charm.Charm, error) {
	return one(v.session, selectCharm+"where s.did = ? and c.id = ?", []any{space, id}, scanCharm)
}

func (v *view) Charms(space string) ([]charm.Charm, error) {
	if space == "" {
		return list(v.session, selectCharm+"order by c.row", nil, scanCharm)
	}
	return list(v.session, selectCharm+"where s.did = ? order by c.row", []any{space}, scanCharm)
}

func (t *tx) PutCharm(c charm.Charm) (int64, error) {
	row, err := t.putCharm(c)
	if isUnique(err) {
		return 0, charm.Errorf(charm.CodeConflict, "there is already a charm with the id %s or the name %s: %w", c.ID, c.Ref(), err).
			WithHint("choose another name, or remove that charm first")
	}
	if err != nil {
		return 0, fmt.Errorf("store charm %s: %w", c.Ref(), err)
	}
	return row, nil
}

func (t *tx) putCharm(c charm.Charm) (row int64, err error) {
	space, err := t.spaceRow(c.Space)
	if err != nil {
		return 0, err
	}
	hosts, err := json.Marshal(c.AllowHosts)
	if err != nil {
		return 0, err
	}
	args := []any{space, c.ID, c.Name, c.Recipe, c.Integration,
		c.Schedule.Every.Microseconds(), c.Schedule.Cron, c.Schedule.Zone, c.Timeout.Microseconds(),
		c.Priority, string(hosts), c.ProbeNever, c.Registered, millis(c.CreatedAt), millis(c.UpdatedAt)}
	if c.Row != 0 {
		t.known.dropCharm(c.Row)
		return c.Row, t.must(updateCharm, append(args, c.Row)...)
	}
	err = t.returning(insertCharm, args, &row)
	return row, err
}

// contactsOf chooses the contacts of a charm.
const contactsOf = "who = (select space.did || '/' || charm.id from charm join space on space.row = charm.space where charm.row = ?)"

// DeleteCharm leaves it to the schema's cascades to take state and jobs along.
func (t *tx) DeleteCharm(row int64) error {
	if _, err := t.exec("delete from contact where "+contactsOf, row); err != nil {
		return fmt.Errorf("delete contacts of charm %d: %w", row, err)
	}
	if _, err := t.exec("delete from setting where key = ?", store.LastActKey(row)); err != nil {
		return fmt.Errorf("delete the last act of charm %d: %w", row, err)
	}
	if err := t.must("delete from charm where row = ?", row); err != nil {
		return fmt.Errorf("delete charm %d: %w", row, err)
	}
	t.known.dropAllOf(row)
	return nil
}
