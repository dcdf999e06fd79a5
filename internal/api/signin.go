package api

import "time"

// SignInLink lets one browser in.
type SignInLink struct {
	Path      string    `json:"path"` // below the service's address
	ExpiresAt time.Time `json:"expiresAt"`
}

// Opened is what open prints.
type Opened struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expiresAt"`
	Browser   bool      `json:"browser"` // one was started
}

// SignIn is a browser that is signed in.
type SignIn struct {
	ID      string    `json:"id"`
	Browser string    `json:"browser"` // what it says that it is
	Since   time.Time `json:"since"`
	Seen    time.Time `json:"seen"`           // when it last asked for something, to within an hour
	This    bool      `json:"this,omitempty"` // it is the one that asks
}

// SignedOut is how many browsers were signed out.
type SignedOut struct {
	Browsers int `json:"browsers"`
}
