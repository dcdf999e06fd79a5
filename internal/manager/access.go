package manager

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/store"
)

// everybody stands for any DID in it.
const everybody = "*"

var rights = []string{"read", "write", "owner"}

// access is what has been granted in a space, and the version that says so.
func access(r store.Reader, s charm.Space) (map[string]string, memory.Version, error) {
	granted, v := map[string]string{}, memory.Version{The: memory.ACLJSON, Of: s.DID}
	head, err := r.Head(s.Row, v.The, v.Of)
	if errors.Is(err, store.ErrNotFound) {
		return granted, v, nil
	}
	if err != nil {
		return nil, v, err
	}
	v.Ref = head.Ref
	if head.Is == nil {
		return granted, v, nil
	}
	value, err := jsontext.Parse(head.Is, jsontext.DefaultLimits)
	if err != nil {
		return nil, v, err
	}
	// Its owner may write it over the wire, so it need not have the form.
	o, _ := value.(*jsontext.Object)
	for who, right := range o.All() {
		if text, ok := right.(string); ok {
			granted[who] = text
		}
	}
	return granted, v, nil
}

// Grant gives somebody, or everybody, a right in a space, and takes the one they
// had.
func (m *Manager) Grant(ctx context.Context, space, who, right string) (api.Space, error) {
	if who != everybody {
		if _, err := identity.ParseDID(who); err != nil {
			return api.Space{}, charm.Errorf(charm.CodeInvalid, "%q cannot be granted anything: %w", who, err).WithHint("name a did:key:…, or * for everybody")
		}
	}
	if !slices.Contains(rights, right) {
		return api.Space{}, charm.Errorf(charm.CodeInvalid, "there is no right %q", right).WithHint("the rights are: %s", strings.Join(rights, ", "))
	}
	if who == everybody && right == "owner" {
		return api.Space{}, charm.Errorf(charm.CodeInvalid, "everybody cannot own a space").WithHint("grant * the right to read or to write")
	}
	return m.editAccess(ctx, space, func(granted map[string]string) error {
		granted[who] = right
		return nil
	})
}

// Revoke takes the right that somebody was granted; CodeNotFound when they were not.
func (m *Manager) Revoke(ctx context.Context, space, who string) (api.Space, error) {
	return m.editAccess(ctx, space, func(granted map[string]string) error {
		if granted[who] == "" {
			return charm.Errorf(charm.CodeNotFound, "%s has been granted nothing in %s", who, space).WithHint("charmd space show %s lists who has", space)
		}
		delete(granted, who)
		return nil
	})
}

func (m *Manager) editAccess(ctx context.Context, name string, edit func(map[string]string) error) (out api.Space, err error) {
	var s charm.Space
	err = m.store.View(ctx, func(r store.Reader) (err error) {
		s, err = findSpace(r, name)
		return err
	})
	if err != nil {
		return out, err
	}
	var granted map[string]string
	err = m.commit(ctx, s.DID, memory.Write{
		Draft: func(r store.Reader, s charm.Space) (*memory.Draft, error) {
			var v memory.Version
			if granted, v, err = access(r, s); err != nil {
				return nil, err
			}
			if err := edit(granted); err != nil {
				return nil, err
			}
			value := jsontext.NewObject()
			for _, who := range slices.Sorted(maps.Keys(granted)) {
				value.Set(who, granted[who])
			}
			change := memory.Change{The: v.The, Of: v.Of, Cause: v.Cause(), Is: value, Has: true}
			d, err := memory.NewDraft(s, m.memory.Issuer(), []memory.Change{change}, nil, m.now())
			if err == nil {
				d.Anyway = true
			}
			return d, err
		},
		Then: func(tx store.Tx, _ memory.Receipt) error {
			if s, err = tx.Space(s.DID); err != nil {
				return err
			}
			out, err = spaceJSON(tx, s)
			out.Access = granted
			return err
		},
	})
	return out, err
}
