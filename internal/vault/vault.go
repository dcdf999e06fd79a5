// Package vault keeps secrets so that the database alone gives none of them away:
// each value is sealed with a key of its own, and that key with the vault's, which
// lies in a file of the data directory or in the environment. It exists so that
// one place decides how a secret is written, under which key, and that one that was
// changed, or moved to another's place, is refused and not used.
package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// MaxBytes bounds one value.
const MaxBytes = 64 << 10

// Vault seals and opens values. It is safe for concurrent use.
type Vault struct {
	store store.Store
	dir   string // of the key file; "" when the environment gives the keys
	now   func() time.Time

	mu   sync.RWMutex
	keys ring

	rotating sync.Mutex
}

// Options are what a Vault works with.
type Options struct {
	Store store.Store
	Dir   string       // the data directory
	Keys  charm.Secret // from the environment, as in the key file; "" means the file, made when there is none
	Now   func() time.Time
}

// Open reads the keys and checks that every secret in the store was sealed with
// one of them. Errors are *charm.Error with CodeDataCorrupt or CodeDataUnusable and
// name the key that is missing.
func Open(ctx context.Context, o Options) (*Vault, error) {
	v := &Vault{store: o.Store, now: o.Now}
	var sealed []store.Secret
	err := o.Store.View(ctx, func(r store.Reader) (err error) {
		sealed, err = r.Secrets()
		return err
	})
	if err != nil {
		return nil, err
	}
	where := "CHARMD_VAULT_KEY"
	if o.Keys != "" {
		v.keys, err = parseKeys(o.Keys.Reveal(), where)
	} else {
		where, v.dir = filepath.Join(o.Dir, KeyFile), o.Dir
		v.keys, err = readKeys(o.Dir, where, sealed)
	}
	if err != nil {
		return nil, err
	}
	for _, s := range sealed {
		if _, ok := v.keys.find(s.Key); !ok {
			return nil, charm.Errorf(charm.CodeDataCorrupt, "the secret %s was sealed with the vault key %s, and %s holds %s", s.Place, s.Key, where, v.keys.ids()).
				WithHint("put the key %s back from a backup (of %s, or as CHARMD_VAULT_KEY)", s.Key, KeyFile)
		}
	}
	return v, nil
}

// readKeys reads the key file. It is made at the first start; where there are
// secrets already it must be there.
func readKeys(dir, name string, sealed []store.Secret) (ring, error) {
	text, err := os.ReadFile(name)
	switch {
	case err == nil:
		return parseKeys(string(text), name)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, charm.Errorf(charm.CodeDataUnusable, "the key of the vault cannot be read: %w", err)
	case len(sealed) > 0:
		return nil, charm.Errorf(charm.CodeDataCorrupt, "%s is gone, and there are secrets that were sealed with its key %s", name, sealed[0].Key).
			WithHint("put it back from a backup, or give the key as CHARMD_VAULT_KEY")
	}
	k, err := newKey()
	if err == nil {
		err = ring{k}.write(dir)
	}
	if err != nil {
		return nil, charm.Errorf(charm.CodeDataUnusable, "the key of the vault cannot be written: %w", err)
	}
	return ring{k}, nil
}

// What is sealed is bound to what it is: a value to its place, its key to the
// place and to the vault's key.
func valueData(place string) []byte { return []byte("charmd secret 1\x00" + place) }
func keyData(id, place string) []byte {
	return []byte("charmd secret key 1\x00" + id + "\x00" + place)
}

// Put seals value for the place, inside tx.
func (v *Vault) Put(tx store.Tx, place string, value []byte) error {
	if place == "" || len(value) > MaxBytes {
		return charm.Errorf(charm.CodeTooLarge, "a secret is at most %d bytes", MaxBytes)
	}
	own, err := newKey()
	if err != nil {
		return err
	}
	raw := []byte(own.text)
	v.mu.RLock()
	master := v.keys[0]
	v.mu.RUnlock()
	return tx.PutSecret(store.Secret{
		Place: place, Key: master.id, Changed: v.now(),
		Wrapped: seal(master, raw, keyData(master.id, place)), Sealed: seal(own, value, valueData(place)),
	})
}

// Get opens the value of the place; store.ErrNotFound when there is none. A
// *charm.Error with CodeDataCorrupt names the place and the key, never the value.
func (v *Vault) Get(r store.Reader, place string) ([]byte, error) {
	s, err := r.Secret(place)
	if err != nil {
		return nil, err
	}
	return v.open(s)
}

func (v *Vault) open(s store.Secret) ([]byte, error) {
	own, err := v.unwrap(s)
	if err != nil {
		return nil, err
	}
	value, err := open(own, s.Sealed, valueData(s.Place))
	if err != nil {
		return nil, altered(s)
	}
	return value, nil
}

// unwrap opens the key of a value.
func (v *Vault) unwrap(s store.Secret) (key, error) {
	v.mu.RLock()
	master, ok := v.keys.find(s.Key)
	v.mu.RUnlock()
	if !ok {
		return key{}, charm.Errorf(charm.CodeDataCorrupt, "the secret %s was sealed with the vault key %s, which is not at hand", s.Place, s.Key).
			WithHint("put that key back from a backup")
	}
	text, err := open(master, s.Wrapped, keyData(s.Key, s.Place))
	if err != nil {
		return key{}, altered(s)
	}
	own, err := parseKey(string(text))
	if err != nil {
		return key{}, altered(s)
	}
	return own, nil
}

func altered(s store.Secret) error {
	return charm.Errorf(charm.CodeDataCorrupt, "the secret %s, sealed with the vault key %s, has been altered or belongs to another place", s.Place, s.Key).
		WithHint("put the database back from a backup, or set the secret (connect the account) again")
}

// seal is a fresh nonce and text sealed under it.
func seal(k key, text, data []byte) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(nonce) // never fails
	return k.aead.Seal(nonce, nonce, text, data)
}

func open(k key, sealed, data []byte) ([]byte, error) {
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, fmt.Errorf("%d bytes are no sealed value", len(sealed))
	}
	nonce, text := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	return k.aead.Open(nil, nonce, text, data)
}
