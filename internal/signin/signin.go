// Package signin lets browsers in: by a link that works once and for a few
// minutes, and then by a cookie whose secret the store knows only as a hash. It
// exists so that people never copy the service's token into a browser, and can see
// and end what they have let in.
package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/store"
)

const (
	// LinkLife is how long a link may be used.
	LinkLife = 10 * time.Minute
	// Life is how long a browser stays signed in that asks for nothing.
	Life = 30 * 24 * time.Hour
	// mostLinks and mostSignIns bound what is kept; beyond them the oldest goes.
	mostLinks   = 50
	mostSignIns = 100
	// seenEvery bounds how often it is written that a browser is in use.
	seenEvery = time.Hour
	// idBytes of a hash name a sign-in to people.
	idBytes = 6
	// maxBrowser is how much is kept of what a browser says of itself, bytes.
	maxBrowser = 200
)

// SignIns knows the links that were given out and the browsers that came in by
// them. Links do not outlive the process.
type SignIns struct {
	store store.Store
	now   func() time.Time

	mu    sync.Mutex
	links map[[32]byte]time.Time // until when each may be used
	open  map[[32]byte]map[*context.CancelFunc]bool
}

// New makes SignIns of a store.
func New(s store.Store, now func() time.Time) *SignIns {
	return &SignIns{store: s, now: now, links: map[[32]byte]time.Time{}, open: map[[32]byte]map[*context.CancelFunc]bool{}}
}

// NewLink is a secret that lets one browser in, and until when.
func (s *SignIns) NewLink() (secret string, until time.Time) {
	secret, until = rand.Text(), s.now().Add(LinkLife)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.links, func(_ [32]byte, end time.Time) bool { return !s.now().Before(end) })
	if len(s.links) >= mostLinks {
		hashes := slices.SortedFunc(maps.Keys(s.links), func(a, b [32]byte) int { return s.links[a].Compare(s.links[b]) })
		delete(s.links, hashes[0])
	}
	s.links[sha256.Sum256([]byte(secret))] = until
	return secret, until
}

// Redeem takes a link's secret for the secret of a cookie. CodeUnauthorized: the
// link was used or is too old, or there never was one.
func (s *SignIns) Redeem(ctx context.Context, link, browser string) (secret string, err error) {
	hash := sha256.Sum256([]byte(link))
	s.mu.Lock()
	until, known := s.links[hash]
	delete(s.links, hash)
	s.mu.Unlock()
	if !known || !s.now().Before(until) {
		return "", charm.Errorf(charm.CodeUnauthorized, "this link has been used, or is older than %d minutes", int(LinkLife.Minutes())).
			WithHint("charmd open gives a new one")
	}
	secret = rand.Text() + rand.Text()
	now := s.now()
	in := store.SignIn{
		Hash: sha256.Sum256([]byte(secret)), Created: now, Seen: now,
		Browser: strings.ToValidUTF8(browser[:min(len(browser), maxBrowser)], ""),
	}
	err = s.store.Update(ctx, func(tx store.Tx) error {
		if err := s.prune(tx); err != nil {
			return err
		}
		return tx.PutSignIn(in)
	})
	return secret, err
}

// prune makes room for one more.
func (s *SignIns) prune(tx store.Tx) error {
	list, err := tx.SignIns()
	if err != nil {
		return err
	}
	for i, in := range list {
		if i < mostSignIns-1 && !s.over(in) {
			continue
		}
		if err := s.drop(tx, in.Hash); err != nil {
			return err
		}
	}
	return nil
}

func (s *SignIns) over(in store.SignIn) bool { return !s.now().Before(in.Seen.Add(Life)) }

// drop ends a sign-in, and what it holds open once that is on disk.
func (s *SignIns) drop(tx store.Tx, hash [32]byte) error {
	tx.AfterCommit(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for cancel := range s.open[hash] {
			(*cancel)()
		}
	})
	return tx.DeleteSignIn(hash)
}

// Admit reports whether a cookie's secret is that of a browser that is signed in.
// The context it returns is of the request: it ends when the browser is signed
// out. release must be called when the request is answered.
func (s *SignIns) Admit(ctx context.Context, secret string) (admitted context.Context, release func(), ok bool) {
	hash := sha256.Sum256([]byte(secret))
	ctx, cancel := context.WithCancel(ctx)
	// Known to be open before it is looked up: who is signed out between the two
	// does not stay.
	s.hold(hash, &cancel)
	release = func() {
		cancel()
		s.letGo(hash, &cancel)
	}
	in, err := s.find(ctx, hash)
	if err != nil || s.over(in) {
		release()
		return nil, nil, false
	}
	if s.now().Sub(in.Seen) >= seenEvery {
		s.touch(ctx, hash)
	}
	return context.WithValue(ctx, idKey{}, ID(hash)), release, true
}

func (s *SignIns) find(ctx context.Context, hash [32]byte) (in store.SignIn, err error) {
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		in, err = r.SignIn(hash)
		return err
	})
	return in, err
}

// touch writes that a browser is in use. Where that cannot be written it is signed
// out sooner, which is no reason to refuse it now.
func (s *SignIns) touch(ctx context.Context, hash [32]byte) {
	_ = s.store.Update(ctx, func(tx store.Tx) error {
		in, err := tx.SignIn(hash)
		if err != nil {
			return err
		}
		in.Seen = s.now()
		return tx.PutSignIn(in)
	})
}

func (s *SignIns) hold(hash [32]byte, cancel *context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[hash] == nil {
		s.open[hash] = map[*context.CancelFunc]bool{}
	}
	s.open[hash][cancel] = true
}

func (s *SignIns) letGo(hash [32]byte, cancel *context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open[hash], cancel)
	if len(s.open[hash]) == 0 {
		delete(s.open, hash)
	}
}

// List is the browsers that are signed in, the newest first. The one that asks is
// marked.
func (s *SignIns) List(ctx context.Context) ([]api.SignIn, error) {
	list := []api.SignIn{}
	err := s.store.View(ctx, func(r store.Reader) error {
		all, err := r.SignIns()
		for _, in := range all {
			if !s.over(in) {
				id := ID(in.Hash)
				list = append(list, api.SignIn{ID: id, Browser: in.Browser, Since: in.Created, Seen: in.Seen, This: id == Current(ctx)})
			}
		}
		return err
	})
	return list, err
}

// End signs the browser with the id out. CodeNotFound: none has it.
func (s *SignIns) End(ctx context.Context, id string) error {
	n, err := s.end(ctx, func(in store.SignIn) bool { return ID(in.Hash) == id })
	if err == nil && n == 0 {
		return charm.Errorf(charm.CodeNotFound, "no browser %q is signed in", id).WithHint("charmd browsers lists those that are")
	}
	return err
}

// EndAll signs all browsers out and returns how many there were. No link that was
// given out before lets one in any more.
func (s *SignIns) EndAll(ctx context.Context) (int, error) {
	s.mu.Lock()
	clear(s.links)
	s.mu.Unlock()
	return s.end(ctx, func(store.SignIn) bool { return true })
}

func (s *SignIns) end(ctx context.Context, chosen func(store.SignIn) bool) (n int, err error) {
	err = s.store.Update(ctx, func(tx store.Tx) error {
		list, err := tx.SignIns()
		if err != nil {
			return err
		}
		for _, in := range list {
			if !chosen(in) {
				continue
			}
			if err := s.drop(tx, in.Hash); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// ID names a sign-in to people. It says nothing of its secret.
func ID(hash [32]byte) string { return hex.EncodeToString(hash[:idBytes]) }

type idKey struct{}

// Current is the id of the browser that a request came from, "" when it came with
// the service's token.
func Current(ctx context.Context) string {
	id, _ := ctx.Value(idKey{}).(string)
	return id
}
