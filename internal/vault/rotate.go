package vault

import (
	"context"
	"errors"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Report says how the secrets stand.
type Report struct {
	Key     string   // id of the key that seals
	Secrets int      // that there are
	Old     int      // of them sealed with an earlier key
	Broken  []string // what cannot be opened, a line each; it names no value
}

// Verify opens every secret and says which cannot be.
func (v *Vault) Verify(ctx context.Context) (rep Report, err error) {
	rep.Key = v.sealing().id
	err = v.store.View(ctx, func(r store.Reader) error {
		all, err := r.Secrets()
		for _, s := range all {
			rep.Secrets++
			if s.Key != rep.Key {
				rep.Old++
			}
			if _, err := v.open(s); err != nil {
				rep.Broken = append(rep.Broken, err.Error())
			}
		}
		return err
	})
	return rep, err
}

func (v *Vault) sealing() key {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.keys[0]
}

// Rotate makes a new key, seals the keys of all values with it and drops the old
// ones. Values themselves are not sealed again. When the process dies on the way,
// both keys stay readable and the next Rotate goes on. When the environment gives
// the keys, its first is the new one.
func (v *Vault) Rotate(ctx context.Context) (Report, error) {
	v.rotating.Lock()
	defer v.rotating.Unlock()
	if err := v.renew(); err != nil {
		return Report{}, err
	}
	if err := v.rewrap(ctx); err != nil {
		return Report{}, err
	}
	rep, err := v.Verify(ctx)
	if err != nil || rep.Old > 0 {
		return rep, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.dir != "" {
		if err := v.keys[:1].write(v.dir); err != nil {
			return rep, unwritable(err)
		}
	}
	v.keys = v.keys[:1]
	return rep, nil
}

// renew puts a new key in front, on disk before anything is sealed with it. With
// more than one key at hand a rotation has begun already.
func (v *Vault) renew() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case len(v.keys) > 1:
		return nil
	case v.dir == "":
		return charm.Errorf(charm.CodeInvalid, "CHARMD_VAULT_KEY holds one key alone").
			WithHint("put a new key in front of it (openssl rand -base64 32), a comma between them, start charmd with both, and rotate then")
	}
	k, err := newKey()
	if err != nil {
		return err
	}
	keys := append(ring{k}, v.keys...)
	if err := keys.write(v.dir); err != nil {
		return unwritable(err)
	}
	v.keys = keys
	return nil
}

func unwritable(err error) error {
	return charm.Errorf(charm.CodeDataUnusable, "the keys of the vault cannot be written: %w", err).
		WithHint("see that there is room, and that the data directory may be written to; then rotate again")
}

// rewrap seals the keys of all values with the first key, one in a transaction.
// What cannot be opened stays as it is.
func (v *Vault) rewrap(ctx context.Context) error {
	var all []store.Secret
	// As a transaction, so that it comes behind those that have sealed a value with an
	// earlier key and are not on disk yet.
	err := v.store.Update(ctx, func(tx store.Tx) (err error) {
		all, err = tx.Secrets()
		return err
	})
	if err != nil {
		return err
	}
	master := v.sealing()
	for _, old := range all {
		if old.Key == master.id {
			continue
		}
		err := v.store.Update(ctx, func(tx store.Tx) error {
			s, err := tx.Secret(old.Place) // it may have been set anew meanwhile
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil || s.Key == master.id {
				return err
			}
			own, err := v.unwrap(s)
			if err != nil {
				return nil // Verify tells of it
			}
			s.Key, s.Wrapped = master.id, seal(master, []byte(own.text), keyData(master.id, s.Place))
			return tx.PutSecret(s)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
