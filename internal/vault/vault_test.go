package vault

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

// world is a vault on a data directory of the test's.
type world struct {
	*Vault
	t     *testing.T
	dir   string
	store store.Store
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	db, err := sqlite.Open(t.Context(), sqlitetest.At(t, filepath.Join(w.dir, "test.db")), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.store = db
	t.Cleanup(func() { _ = db.Close() })
	if err := w.reopen(""); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) reopen(keys charm.Secret) (err error) {
	w.Vault, err = Open(w.t.Context(), Options{Store: w.store, Dir: w.dir, Keys: keys, Now: time.Now})
	return err
}

func (w *world) set(name, value string) {
	w.t.Helper()
	if err := w.Set(w.t.Context(), name, charm.Secret(value)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(name string) (value string, err error) {
	return value, w.store.View(w.t.Context(), func(r store.Reader) error {
		text, err := w.Get(r, Named(name))
		value = string(text)
		return err
	})
}

func (w *world) want(name, value string) {
	w.t.Helper()
	if got, err := w.get(name); got != value || err != nil {
		w.t.Errorf("%s is %q, %v; want %q", name, got, err, value)
	}
}

// change changes stored secrets behind the vault's back.
func (w *world) change(fn func(tx store.Tx) error) {
	w.t.Helper()
	if err := w.store.Update(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) keyFile() string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, KeyFile))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

func (w *world) writeKeys(text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, KeyFile), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func TestSecretsAreKeptSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const planted = "planted-secret-value"
	w.set("a", planted)
	w.set("b", planted)
	w.want("a", planted)
	if err := w.reopen(""); err != nil {
		t.Fatal(err)
	}
	w.want("b", planted)
	info, err := os.Stat(filepath.Join(w.dir, KeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v", info, err)
	}
	var sealed []store.Secret
	w.change(func(tx store.Tx) (err error) { sealed, err = tx.Secrets(); return err })
	if len(sealed) != 2 || bytes.Equal(sealed[0].Sealed, sealed[1].Sealed) || sealed[0].Key != sealed[1].Key {
		t.Errorf("stored are %+v", sealed)
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		if text, err := os.ReadFile(name); err != nil || bytes.Contains(text, []byte(planted)) {
			t.Errorf("%s holds the value, or cannot be read: %v", name, err)
		}
	}
	list, err := w.List(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "a" || list[0].Key != sealed[0].Key {
		t.Errorf("listed are %+v, %v", list, err)
	}
	if err := w.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.get("a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after it was removed: %v", err)
	}
	for _, bad := range []error{
		w.Remove(t.Context(), "a"), w.Set(t.Context(), "A b", "x"), w.Set(t.Context(), "a", ""), w.Set(t.Context(), "a", charm.Secret(strings.Repeat("x", MaxBytes+1))),
	} {
		if _, ok := errors.AsType[*charm.Error](bad); !ok {
			t.Errorf("refused with %v", bad)
		}
	}
}

// Whatever is done to what is stored, nobody gets another value than the one that was
// put there.
func TestFault17_WhatWasAlteredIsRefused(t *testing.T) {
	t.Parallel()
	flip := func(at int) func(b []byte) []byte {
		return func(b []byte) []byte {
			b = slices.Clone(b)
			b[(at+len(b))%len(b)] ^= 1
			return b
		}
	}
	same := func(b []byte) []byte { return b }
	for name, alter := range map[string]struct{ sealed, wrapped func([]byte) []byte }{
		"first bit of the value": {flip(0), same}, "last bit of the value": {flip(-1), same}, "the middle": {flip(30), same},
		"first bit of its key": {same, flip(0)}, "last bit of its key": {same, flip(-1)},
		"nothing left": {func([]byte) []byte { return []byte{} }, same}, "no key left": {same, func([]byte) []byte { return []byte{1, 2} }},
	} {
		w := newWorld(t)
		w.set("a", "value")
		w.set("b", "other")
		w.change(func(tx store.Tx) error {
			s, err := tx.Secret(Named("a"))
			s.Sealed, s.Wrapped = alter.sealed(s.Sealed), alter.wrapped(s.Wrapped)
			return errors.Join(err, tx.PutSecret(s))
		})
		w.broken(name, "a")
		w.want("b", "other")
	}

	w := newWorld(t)
	w.set("a", "of a")
	w.set("b", "of b")
	w.change(func(tx store.Tx) error {
		a, err := tx.Secret(Named("a"))
		b, err2 := tx.Secret(Named("b"))
		a.Place, b.Place = b.Place, a.Place
		return errors.Join(err, err2, tx.PutSecret(a), tx.PutSecret(b))
	})
	w.broken("rows that were swapped", "a", "b")
	w.set("b", "again")
	w.want("b", "again")
	w.set("a", "also")
	w.change(func(tx store.Tx) error {
		a, err := tx.Secret(Named("a"))
		b, err2 := tx.Secret(Named("b"))
		a.Sealed = b.Sealed
		return errors.Join(err, err2, tx.PutSecret(a))
	})
	w.broken("the value of another", "a")
}

// broken wants these secrets, and no others, to be refused by name.
func (w *world) broken(what string, names ...string) {
	w.t.Helper()
	rep, err := w.Verify(w.t.Context())
	if err != nil || len(rep.Broken) != len(names) {
		w.t.Errorf("%s: verify says %+v, %v", what, rep, err)
		return
	}
	for i, name := range names {
		_, err := w.get(name)
		if charm.CodeOf(err) != charm.CodeDataCorrupt || !strings.Contains(err.Error(), "named/"+name) || !strings.Contains(err.Error(), rep.Key) {
			w.t.Errorf("%s: got %v", what, err)
		}
		if !strings.Contains(rep.Broken[i], "named/"+name) {
			w.t.Errorf("%s: verify says %s", what, rep.Broken[i])
		}
	}
}

func TestFault17_AWrongKeyIsRefusedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.keyFile()
	fresh := func() string {
		k, err := newKey()
		if err != nil {
			t.Fatal(err)
		}
		return k.text
	}
	w.writeKeys(fresh())
	if err := w.reopen(""); err != nil {
		t.Errorf("without secrets any key will do: %v", err)
	}
	w.writeKeys(own)
	if err := w.reopen(""); err != nil {
		t.Fatal(err)
	}
	w.set("a", "value")
	id := w.sealing().id
	refused := func(what string, err error) {
		t.Helper()
		if e, ok := errors.AsType[*charm.Error](err); !ok || e.Code != charm.CodeDataCorrupt || e.Hint == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	other := fresh()
	w.writeKeys(other)
	err := w.reopen("")
	refused("another key", err)
	if !strings.Contains(err.Error(), id) || strings.Contains(err.Error(), strings.TrimSpace(own)) || strings.Contains(err.Error(), other) {
		t.Errorf("the words are %q", err)
	}
	for what, text := range map[string]string{"nothing": "", "words": "not a key", "a short one": base64.StdEncoding.EncodeToString(make([]byte, 31))} {
		w.writeKeys(text)
		refused(what, w.reopen(""))
	}
	if err := os.Remove(filepath.Join(w.dir, KeyFile)); err != nil {
		t.Fatal(err)
	}
	err = w.reopen("")
	refused("no key", err)
	if _, gone := os.Stat(filepath.Join(w.dir, KeyFile)); gone == nil || !strings.Contains(err.Error(), id) {
		t.Errorf("a new key was made in its place, or the words are wrong: %v", err)
	}
	refused("another one in the environment", w.reopen(charm.Secret(other)))
	if err := w.reopen(charm.Secret(other + "," + own)); err != nil {
		t.Errorf("with the right one behind another: %v", err)
	}
	w.want("a", "value")
}

func TestFault17_RotationGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.sealing().id
	for _, name := range []string{"a", "b", "c"} {
		w.set(name, "of "+name)
	}
	// It dies when the new key is on disk and one of three secrets is sealed with it.
	if err := w.renew(); err != nil {
		t.Fatal(err)
	}
	second := w.sealing().id
	w.set("b", "of b")
	if err := w.reopen(""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		w.want(name, "of "+name)
	}
	if rep, err := w.Verify(t.Context()); err != nil || rep.Old != 2 || rep.Key != second || second == first {
		t.Errorf("in the middle of it: %+v, %v", rep, err)
	}
	rep, err := w.Rotate(t.Context())
	if err != nil || rep.Old != 0 || rep.Key != second || rep.Secrets != 3 || len(rep.Broken) != 0 {
		t.Errorf("going on: %+v, %v", rep, err)
	}
	if keys := strings.Fields(w.keyFile()); len(keys) != 1 {
		t.Errorf("%d keys are left", len(keys))
	}
	if err := w.reopen(""); err != nil {
		t.Fatal(err)
	}
	w.want("a", "of a")
	// What cannot be opened keeps the old key, and the others are not held up.
	w.change(func(tx store.Tx) error {
		s, err := tx.Secret(Named("c"))
		s.Wrapped = []byte("nonsense")
		return errors.Join(err, tx.PutSecret(s))
	})
	rep, err = w.Rotate(t.Context())
	if err != nil || rep.Old != 1 || len(rep.Broken) != 1 || len(strings.Fields(w.keyFile())) != 2 {
		t.Errorf("with one that is broken: %+v, %v", rep, err)
	}
	if left, err := filepath.Glob(filepath.Join(w.dir, "*.new")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A value that is sealed with the old key, and gets to disk while keys are rotated, is
// sealed anew with the others.
func TestAValueThatIsWrittenWhileKeysAreRotated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		sealed, written := make(chan struct{}), make(chan struct{})
		go func() {
			if err := w.store.Update(t.Context(), func(tx store.Tx) error {
				err := w.Put(tx, Named("late"), []byte("value"))
				close(sealed)
				<-written
				return err
			}); err != nil {
				t.Error(err)
			}
		}()
		<-sealed
		go func() {
			if rep, err := w.Rotate(t.Context()); err != nil || rep.Old != 0 || rep.Secrets != 1 {
				t.Errorf("%+v, %v", rep, err)
			}
		}()
		synctest.Wait()
		close(written)
		synctest.Wait()
		w.want("late", "value")
	})
}

func TestRotateKeysOfTheEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k1, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	k2, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.reopen(charm.Secret(k1.text)); err != nil {
		t.Fatal(err)
	}
	w.set("a", "value")
	if _, err := w.Rotate(t.Context()); charm.CodeOf(err) != charm.CodeInvalid {
		t.Errorf("one key alone: %v", err)
	}
	if err := w.reopen(charm.Secret(k2.text + ", " + k1.text)); err != nil {
		t.Fatal(err)
	}
	if rep, err := w.Rotate(t.Context()); err != nil || rep.Key != k2.id || rep.Old != 0 {
		t.Errorf("%+v, %v", rep, err)
	}
	if err := w.reopen(charm.Secret(k2.text)); err != nil {
		t.Fatal(err)
	}
	w.want("a", "value")
}

// Whatever stands in the store, opening it ends with an error or the value.
func FuzzOpen(f *testing.F) {
	k, err := newKey()
	if err != nil {
		f.Fatal(err)
	}
	v := &Vault{keys: ring{k}}
	own, err := newKey()
	if err != nil {
		f.Fatal(err)
	}
	wrapped, sealed := seal(k, []byte(own.text), keyData(k.id, "p")), seal(own, []byte("value"), valueData("p"))
	f.Add("p", wrapped, sealed)
	f.Add("q", wrapped, sealed)
	f.Add("p", []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, place string, w, s []byte) {
		got, err := v.open(store.Secret{Place: place, Key: k.id, Wrapped: w, Sealed: s})
		right := place == "p" && bytes.Equal(w, wrapped) && bytes.Equal(s, sealed)
		if right != (err == nil) || right && string(got) != "value" {
			t.Errorf("%q, %v", got, err)
		}
	})
}
