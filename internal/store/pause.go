package store

import "charmd/internal/charm"

// PauseReader reads what people have paused.
type PauseReader interface {
	Pauses() ([]charm.Pause, error) // in order of scope and subject
}

// PauseWriter writes what people have paused.
type PauseWriter interface {
	// PutPause inserts a pause, or replaces note and time of the one with its
	// scope and subject.
	PutPause(charm.Pause) error
	// DeletePause ends a pause; ErrNotFound when there is none.
	DeletePause(scope charm.PauseScope, subject string) error
}
