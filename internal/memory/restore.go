package memory

import (
	"errors"
	"fmt"

	"charmd/internal/charm"
	"charmd/internal/merkle"
	"charmd/internal/store"
)

// Restore writes facts as they are, with the causes they have, into a space that
// holds none yet, inside tx. It is one commit; its transaction has no changes and
// says by meta where the facts come from. The caller has checked their references.
func (m *Memory) Restore(tx store.Tx, space charm.Space, facts []store.Fact, meta map[string]string) (int64, error) {
	did := space.DID
	space, err := tx.Space(did)
	if err != nil {
		return 0, fmt.Errorf("space %s: %w", did, err)
	}
	if space.Since >= 0 {
		return 0, errors.New("facts are restored into a space that has some")
	}
	at := m.now()
	d, err := NewDraft(space, m.issuer, nil, meta, at)
	if err != nil {
		return 0, err
	}
	receipt := Receipt{Since: space.Since + 1, Cause: lastCommit(space)}
	for _, f := range facts {
		f.Space, f.Since, f.At = space.Row, receipt.Since, at
		if err := tx.AddFact(f); err != nil {
			return 0, err
		}
	}
	if err := appendCommit(tx, space.Row, d, receipt, at); err != nil {
		return 0, err
	}
	effect := Effect{Space: space.DID, Since: receipt.Since, Invocation: d.text}
	tx.AfterCommit(func() { m.hub.publish(effect) })
	return receipt.Since, nil
}

// Reference is the reference that a fact with this value has; is is nil for a
// retraction.
func Reference(f store.Fact, is any, retracted bool) merkle.Ref {
	if retracted {
		return merkle.FactRef(f.The, f.Of, nil, merkle.Ref(f.Cause))
	}
	value := merkle.Refer(is)
	return merkle.FactRef(f.The, f.Of, &value, merkle.Ref(f.Cause))
}
