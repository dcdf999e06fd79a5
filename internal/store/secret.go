package store

import (
	"time"

	"charmd/internal/charm"
)

// Secret is a sealed value: without the key it was sealed with nobody reads it.
type Secret struct {
	Place   string // what it is for; part of what is sealed
	Key     string // id of the key that Wrapped was sealed with
	Wrapped []byte // the key of Sealed, sealed
	Sealed  []byte // the value
	Changed time.Time
}

// SecretReader reads sealed values.
type SecretReader interface {
	// Secret is the one of the place, or ErrNotFound.
	Secret(place string) (Secret, error)
	Secrets() ([]Secret, error) // in order of their places
}

// SecretWriter writes sealed values.
type SecretWriter interface {
	PutSecret(Secret) error // inserts, or replaces the one of its place
	// DeleteSecret removes it; nothing happens when it is not there.
	DeleteSecret(place string) error
}

// ConnectionReader reads connections to accounts.
type ConnectionReader interface {
	Connections() ([]charm.Connection, error) // in order of their ids
}

// ConnectionWriter writes connections to accounts.
type ConnectionWriter interface {
	PutConnection(charm.Connection) error // inserts, or replaces the one with its id
	// DeleteConnection removes it; ErrNotFound when it is not there.
	DeleteConnection(id string) error
}
