package store

import "time"

// SignIn is a browser that was let in. Its cookie holds a secret of which only
// the hash is kept.
type SignIn struct {
	Hash    [32]byte
	Created time.Time
	Seen    time.Time // that it last asked for something, to within an hour
	Browser string    // what it says that it is
}

// SignInReader reads which browsers are let in.
type SignInReader interface {
	// SignIn is the one whose secret has the hash, or ErrNotFound.
	SignIn(hash [32]byte) (SignIn, error)
	// SignIns lists them, the newest first.
	SignIns() ([]SignIn, error)
}

// SignInWriter writes which browsers are let in.
type SignInWriter interface {
	// PutSignIn inserts or replaces the one with s.Hash.
	PutSignIn(s SignIn) error
	// DeleteSignIn removes it; nothing happens when it is not there.
	DeleteSignIn(hash [32]byte) error
}
