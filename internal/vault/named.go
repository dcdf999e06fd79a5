package vault

import (
	"context"
	"regexp"
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Named is the place of a secret that people set under a name.
func Named(name string) string { return named + name }

const named = "named/"

var secretName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// Set seals a value that a person gives under a name.
func (v *Vault) Set(ctx context.Context, name string, value charm.Secret) error {
	if !secretName.MatchString(name) {
		return charm.Errorf(charm.CodeInvalid, "%q is not a name of a secret", name).WithHint("names are small letters, digits and hyphens, at most 64")
	}
	if value == "" {
		return charm.Errorf(charm.CodeInvalid, "the secret %s would be empty", name).WithHint("to take it away: charmd secret remove %s", name)
	}
	return v.store.Update(ctx, func(tx store.Tx) error { return v.Put(tx, Named(name), []byte(value.Reveal())) })
}

// Remove takes a named secret away.
func (v *Vault) Remove(ctx context.Context, name string) error {
	return v.store.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.Secret(Named(name)); err != nil {
			return charm.Errorf(charm.CodeNotFound, "there is no secret %s", name).WithHint("charmd secret list names those that there are")
		}
		return tx.DeleteSecret(Named(name))
	})
}

// Listed is what may be seen of a secret.
type Listed struct {
	Name    string // "" for one of charmd's own
	Place   string
	Key     string // id of the vault key
	Changed time.Time
}

// List is every secret, without its value.
func (v *Vault) List(ctx context.Context) (list []Listed, err error) {
	err = v.store.View(ctx, func(r store.Reader) error {
		all, err := r.Secrets()
		for _, s := range all {
			name, ok := strings.CutPrefix(s.Place, named)
			if !ok {
				name = ""
			}
			list = append(list, Listed{Name: name, Place: s.Place, Key: s.Key, Changed: s.Changed})
		}
		return err
	})
	return list, err
}
