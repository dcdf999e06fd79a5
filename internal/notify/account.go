package notify

import (
	"charmd/internal/charm"
	"charmd/internal/store"
)

// Account writes inside tx that a person must connect the account of charm c again;
// reason says why. c without a row is told by its ids alone.
func (n *Notifier) Account(tx store.Tx, c charm.Charm, reason string) error {
	if n.hook == nil {
		return nil
	}
	notice := n.notice(Account)
	notice.Reason = capped(reason)
	notice.Charm = &Charm{Space: c.Space, SpaceName: c.SpaceName, CharmID: c.ID, Name: c.Name, Integration: c.Integration}
	notice.URL += "/" + spaceOf(c) + "/" + c.ID
	return n.add(tx, notice)
}
