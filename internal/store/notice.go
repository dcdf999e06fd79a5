package store

import "time"

// Notice is something that has still to be told to the notification hook.
type Notice struct {
	ID       string
	Body     string // JSON
	Attempts int    // that failed
	Due      time.Time
}

// NoticeReader reads what has still to be told.
type NoticeReader interface {
	// FirstNotice is the oldest one, or ErrNotFound when all is told.
	FirstNotice() (Notice, error)
}

// NoticeWriter writes what has still to be told.
type NoticeWriter interface {
	// AddNotice appends a notice. Of more than keep the oldest are dropped; it
	// returns how many.
	AddNotice(n Notice, keep int) (dropped int, err error)
	// PutNotice replaces Attempts and Due of the notice with n.ID; ErrNotFound
	// when it is not there.
	PutNotice(n Notice) error
	// DeleteNotice removes the notice; ErrNotFound when it is not there.
	DeleteNotice(id string) error
}
