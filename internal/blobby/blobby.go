// Package blobby keeps JSON under keys that clients choose (memory spec §8):
// recipes as spell-ID, schemas, whatever else they like. It exists so that keys
// are names in the database and never paths, and that what may be kept is bounded;
// the recipes that charms here are made of can be read in the same way.
package blobby

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/store"
)

// Blobs are the blobs of one store.
type Blobs struct {
	store   store.Store
	now     func() time.Time
	arrived func(tx store.Tx, recipe string) error
	most    totals
}

// totals are blobs and the bytes of their values, of all together.
type totals struct{ blobs, bytes int64 }

// New makes the blobs kept in st. arrived is told of every recipe that a client
// stores, in the transaction that does it.
func New(st store.Store, now func() time.Time, arrived func(tx store.Tx, recipe string) error) *Blobs {
	return &Blobs{store: st, now: now, arrived: arrived, most: totals{charm.MaxBlobs, charm.MaxBlobsBytes}}
}

// keyForm leaves out what some file system, shell or URL would read as more than a name.
var keyForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}$`) })

func checkKey(key string) error {
	if !keyForm().MatchString(key) || strings.Contains(key, "..") {
		return charm.Errorf(charm.CodeInvalid, "%.60q cannot be the key of a blob: letters, digits and . _ : ~ - make one of at most 200", key)
	}
	return nil
}

func notThere() error { return charm.Errorf(charm.CodeNotFound, "Not found") }

// limits are those of a body, which is nested once more in a list with data.
var limits = jsontext.Limits{Bytes: charm.MaxBlobBytes, Depth: charm.MaxDepth}

// Put stores a JSON object or array. An object is given blobCreatedAt and
// blobAuthor. CodeInvalid: it is neither, or a recipe that is not the one its key
// names; CodeTooLarge: a limit would be passed.
func (b *Blobs) Put(ctx context.Context, key string, text []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if len(text) > charm.MaxBlobBytes {
		return charm.Errorf(charm.CodeTooLarge, "the blob %s is %d bytes; at most %d are stored", key, len(text), charm.MaxBlobBytes)
	}
	v, err := jsontext.Parse(text, limits)
	if err != nil {
		return charm.Errorf(charm.CodeInvalid, "Malformed JSON in request body: %w", err)
	}
	o, isObject := v.(*jsontext.Object)
	if _, isArray := v.([]any); !isObject && !isArray {
		return charm.Errorf(charm.CodeInvalid, "a blob is a JSON object or array")
	}
	recipe, err := spellOf(key, o)
	if err != nil {
		return err
	}
	at := b.now()
	if isObject {
		sign(o, at)
	}
	blob := store.Blob{Key: key, At: at, Body: jsontext.Append(nil, v)}
	return b.store.Update(ctx, func(tx store.Tx) error {
		if err := b.room(tx, blob); err != nil {
			return err
		}
		if err := tx.PutBlob(blob); err != nil || recipe == "" {
			return err
		}
		return b.arrived(tx, recipe)
	})
}

// sign says when a blob was written, and by whom as far as is told.
func sign(o *jsontext.Object, at time.Time) {
	o.Set("blobCreatedAt", at.UTC().Format("2006-01-02T15:04:05.000Z"))
	o.Set("blobAuthor", "system")
}

// room refuses a blob that passes what all of them may take.
func (b *Blobs) room(tx store.Tx, blob store.Blob) error {
	blobs, bytes, err := tx.BlobTotals()
	if err != nil {
		return err
	}
	old, err := tx.Blob(blob.Key)
	if errors.Is(err, store.ErrNotFound) {
		blobs, err = blobs+1, nil
	}
	if err != nil {
		return err
	}
	bytes += int64(len(blob.Body) - len(old.Body))
	if blobs > b.most.blobs || bytes > b.most.bytes {
		return charm.Errorf(charm.CodeTooLarge, "there would be %d blobs of %d bytes together; at most %d of %d bytes are kept", blobs, bytes, b.most.blobs, b.most.bytes).
			WithHint("delete some: DELETE /api/storage/blobby/KEY")
	}
	return nil
}

// Get is the value of a blob, or of a recipe that is stored here for a charm;
// CodeNotFound when there is neither.
func (b *Blobs) Get(ctx context.Context, key string) (v any, err error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	err = b.store.View(ctx, func(r store.Reader) error {
		v, err = value(r, key)
		return err
	})
	return v, err
}

func value(r store.Reader, key string) (any, error) {
	blob, err := r.Blob(key)
	if err == nil {
		return jsontext.Parse(blob.Body, jsontext.DefaultLimits)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	id, ok := spellID(key)
	if !ok {
		return nil, notThere()
	}
	rec, err := r.Recipe(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notThere()
	}
	if err != nil {
		return nil, err
	}
	return spell(rec), nil
}

// Delete removes a blob. Recipes of charms stay: CodeConflict says so.
func (b *Blobs) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return b.store.Update(ctx, func(tx store.Tx) error {
		err := tx.DeleteBlob(key)
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if _, err = value(tx, key); err == nil {
			return charm.Errorf(charm.CodeConflict, "%s is the recipe of a charm here and stays", key)
		}
		return err
	})
}

// Query chooses blobs. Keys alone counts when it is not nil.
type Query struct {
	Keys   []string
	Prefix string
	Search string // within the text of the value, whatever its case
}

// listedPart is which part of all that may be kept is answered at once.
const listedPart = 8

// Keys lists the keys chosen, in order.
func (b *Blobs) Keys(ctx context.Context, q Query) ([]string, error) {
	keys := []string{}
	err := b.each(ctx, q, q.Search != "", func(key string, _ any) { keys = append(keys, key) })
	return keys, err
}

// Values is an object of what is chosen, by key. CodeTooLarge: they are too much
// for one answer.
func (b *Blobs) Values(ctx context.Context, q Query) (*jsontext.Object, error) {
	values, bytes := jsontext.NewObject(), 0
	err := b.each(ctx, q, true, func(key string, v any) {
		if bytes += len(jsontext.Append(nil, v)); int64(bytes) <= b.most.bytes/listedPart {
			values.Set(key, v)
		}
	})
	if err == nil && int64(bytes) > b.most.bytes/listedPart {
		err = charm.Errorf(charm.CodeTooLarge, "these blobs are %d bytes together; at most %d are answered at once", bytes, b.most.bytes/listedPart).
			WithHint("choose fewer with prefix= or keys=")
	}
	return values, err
}

// each calls fn for what is chosen; v is nil unless values are wanted.
func (b *Blobs) each(ctx context.Context, q Query, values bool, fn func(key string, v any)) error {
	return b.store.View(ctx, func(r store.Reader) error {
		keys, err := q.Keys, error(nil)
		if keys == nil {
			if keys, err = allKeys(r); err != nil {
				return err
			}
		}
		for _, key := range keys {
			if err := ctx.Err(); err != nil {
				return err
			}
			if q.Keys == nil && !strings.HasPrefix(key, q.Prefix) {
				continue
			}
			var v any
			if values {
				if v, err = value(r, key); charm.CodeOf(err) == charm.CodeNotFound {
					continue
				}
				if err != nil {
					return err
				}
			}
			if q.Keys == nil && q.Search != "" && !strings.Contains(strings.ToLower(jsontext.Text(v)), strings.ToLower(q.Search)) {
				continue
			}
			fn(key, v)
		}
		return nil
	})
}

// allKeys are the keys of the blobs and of the recipes that charms are made of.
func allKeys(r store.Reader) ([]string, error) {
	keys, err := r.BlobKeys()
	if err != nil {
		return nil, err
	}
	recipes, err := r.RecipeIDs()
	for _, id := range recipes {
		keys = append(keys, spellPrefix+id)
	}
	slices.Sort(keys)
	return slices.Compact(keys), err
}
