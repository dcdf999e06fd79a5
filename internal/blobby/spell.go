package blobby

import (
	"errors"
	"fmt"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/merkle"
	"charmd/internal/recipe"
	"charmd/internal/store"
)

// spellPrefix stands before a recipe's id in its key.
const spellPrefix = "spell-"

// spellID is the id of the recipe that a key names.
func spellID(key string) (string, bool) {
	id, ok := strings.CutPrefix(key, spellPrefix)
	if !ok {
		return "", false
	}
	_, err := merkle.ParseString(id)
	return id, err == nil
}

// ByContent reports whether the key names what is stored under it by its content,
// so that whoever knows the key has been told of the content.
func ByContent(key string) bool {
	_, ok := spellID(key)
	return ok
}

// spellOf is the id of the recipe that v holds under key, "" when the key names
// none. A source that is not the one named is refused, lest another's charm runs it.
func spellOf(key string, v *jsontext.Object) (string, error) {
	id, ok := spellID(key)
	if !ok {
		return "", nil
	}
	src, _ := v.Get("src")
	text, _ := src.(string)
	if text == "" || recipe.ID(text) != id {
		return "", charm.Errorf(charm.CodeInvalid, "%s does not hold the recipe that its key names: src has another id", key)
	}
	return id, nil
}

// spell is a recipe as clients read it.
func spell(rec charm.Recipe) *jsontext.Object {
	o := jsontext.NewObject()
	o.Set("src", rec.Source)
	o.Set("recipeName", rec.Name)
	sign(o, rec.CreatedAt)
	return o
}

// sourceFile is what the source of a recipe is called that a client stored.
const sourceFile = "recipe.tsx"

// Recipe is the recipe with the id that is stored for a charm here or, not
// compiled yet, one that a client stored. store.ErrNotFound when there is none.
func Recipe(r store.Reader, id string) (charm.Recipe, error) {
	rec, err := r.Recipe(id)
	if !errors.Is(err, store.ErrNotFound) {
		return rec, err
	}
	blob, err := r.Blob(spellPrefix + id)
	if err != nil {
		return charm.Recipe{}, err
	}
	v, err := jsontext.Parse(blob.Body, jsontext.DefaultLimits)
	if err != nil {
		return charm.Recipe{}, fmt.Errorf("blob %s: %w", blob.Key, err)
	}
	o, _ := v.(*jsontext.Object)
	if named, err := spellOf(blob.Key, o); err != nil || named == "" {
		return charm.Recipe{}, store.ErrNotFound
	}
	src, _ := o.Get("src")
	return charm.Recipe{ID: id, Name: sourceFile, Source: src.(string), CreatedAt: blob.At}, nil
}
