package replica

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"charmd/internal/charm"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
	"charmd/internal/recipe"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// askWithin is how long the toolshed may take to answer one request.
const askWithin = 20 * time.Second

var asking = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

const spellPath = "/api/storage/blobby/spell-"

// sourceFile is what the source of a recipe is called that the toolshed has no
// name for.
const sourceFile = "recipe.tsx"

// Fetch stores a recipe that the toolshed has, checked against its id; it is
// compiled when it first runs. arrived is told of it in the transaction that does
// it. store.ErrNotFound: the toolshed does not have it either.
func (r *Replica) Fetch(ctx context.Context, id string, arrived func(tx store.Tx, id string) error) error {
	body, status, err := r.get(ctx, spellPath+id, charm.MaxBlobBytes)
	if err != nil {
		return err
	}
	if status == http.StatusNotFound {
		return store.ErrNotFound
	}
	if status != http.StatusOK {
		return charm.Errorf(charm.CodeUnavailable, "the toolshed at %s answered %d when it was asked for the recipe %s", r.o.URL, status, id)
	}
	var spell struct{ Src, RecipeName string }
	if jsontext.Decode(body, &spell) != nil { // what is no JSON is the source itself (memory spec §8)
		spell.Src = string(body)
	}
	if spell.Src == "" || recipe.ID(spell.Src) != id {
		return charm.Errorf(charm.CodeInvalid, "what the toolshed at %s has as the recipe %s is another one", r.o.URL, id)
	}
	rec := charm.Recipe{ID: id, Name: spell.RecipeName, Source: spell.Src, CreatedAt: r.o.Now()}
	check := func() error {
		return recipe.Check(wire.CompileRequest{Entry: rec.Name, Files: map[string]string{rec.Name: rec.Source}})
	}
	if check() != nil {
		rec.Name = sourceFile
		if err := check(); err != nil { // it is not for its name
			return charm.Errorf(charm.CodeInvalid, "what the toolshed at %s has as the recipe %s is none: %w", r.o.URL, id, err)
		}
	}
	return r.o.Store.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.Recipe(id); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := tx.PutRecipe(rec); err != nil {
			return err
		}
		return arrived(tx, id)
	})
}

// Publish gives the toolshed a recipe, so that other clients find what charms are
// made of. Ours are signed; the original asks for nothing.
func (r *Replica) Publish(ctx context.Context, rec charm.Recipe) error {
	if err := r.connected(ctx); err != nil {
		return charm.Errorf(charm.CodeUnavailable, "%s", r.Away())
	}
	key, err := r.accessKey(ctx)
	if err != nil {
		return err
	}
	spell := jsontext.NewObject()
	spell.Set("src", rec.Source)
	spell.Set("recipeName", rec.Name)
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.o.URL+spellPath+rec.ID, bytes.NewReader(jsontext.Append(nil, spell)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	args := jsontext.NewObject()
	args.Set("key", "spell-"+rec.ID)
	signed := frames.Sign(frames.NewInvocation(frames.PutBlob, identity.SystemSpaceDID, key.DID(), args, r.o.Now(), ""), key)
	req.Header.Set(frames.InvocationHeader, string(signed))
	body, status, err := r.do(req, 64<<10)
	switch {
	case err != nil:
		return charm.Errorf(charm.CodeUnavailable, "the toolshed at %s did not take the recipe: %w", r.o.URL, err)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return r.refused(charm.Errorf(charm.CodeForbidden, "the toolshed at %s takes no recipe from %s", r.o.URL, key.DID()), identity.SystemSpaceDID, key)
	case status != http.StatusOK:
		return charm.Errorf(charm.CodeUnavailable, "the toolshed at %s did not take the recipe: it answered %d %.200s", r.o.URL, status, body)
	}
	return nil
}
