package api

import (
	"time"

	"charmd/internal/charm"
)

// ConnectRequest is the body of POST /api/v1/charms/{space}/{charm}/connect.
type ConnectRequest struct {
	Provider string   `json:"provider"`
	Cell     []string `json:"cell,omitempty"`     // path from the charm's result of the cell that its recipe expects the account in
	Redirect string   `json:"redirect,omitempty"` // loopback address of the client where the answer arrives
	Device   bool     `json:"device,omitempty"`   // by a code that the person types at the provider
}

// ConnectReply is what the person needs to allow the access.
type ConnectReply struct {
	State string `json:"state"`
	URL   string `json:"url"`            // to open in a browser
	Code  string `json:"code,omitempty"` // to type there
}

// ConnectFinish is the body of POST /api/v1/connections: the provider's answer, or
// for a device code the wish to wait for it.
type ConnectFinish struct {
	Provider string `json:"provider"`
	State    string `json:"state"`
	Code     string `json:"code,omitempty"`
	Error    string `json:"error,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
}

// Connection is an account that charms may use.
type Connection struct {
	ID       string                `json:"id"`
	Provider string                `json:"provider"`
	Account  string                `json:"account,omitempty"` // its address
	Space    string                `json:"space"`             // DID
	Charm    string                `json:"charm,omitempty"`   // SPACE/NAME
	State    charm.ConnectionState `json:"state"`
	Because  string                `json:"because"` // how it stands, in one sentence
	Since    time.Time             `json:"since"`
	Made     time.Time             `json:"connectedAt"`
	Expires  *time.Time            `json:"tokenExpires,omitempty"` // it is refreshed before
	Ends     *time.Time            `json:"accessEnds,omitempty"`   // must be connected again before
	Scopes   []string              `json:"scopes"`
	Missing  []string              `json:"missing,omitempty"`   // permissions that were asked for and not given
	Next     string                `json:"reconnect,omitempty"` // the command that connects it again
	Before   string                `json:"before,omitempty"`    // the address of another account that the charm had before, told once, when it is connected
}

// RefusedAnswer is an answer in a provider's name that fitted no connecting that a person
// had begun, and was refused.
type RefusedAnswer struct {
	Last     time.Time `json:"last"`
	First    time.Time `json:"first"`
	Times    int       `json:"times"` // the same from the same address
	Provider string    `json:"provider,omitempty"`
	From     string    `json:"from"` // address
	Why      string    `json:"why"`
}

// AccountAnswer is what the page that began a login is told of its end, in the
// original's words.
type AccountAnswer struct {
	Success bool            `json:"success"`
	Message string          `json:"message,omitempty"`
	Error   string          `json:"error,omitempty"`
	Details *AccountDetails `json:"details,omitempty"` // nil unless Success
	Notes   []string        `json:"notes,omitempty"`   // what the person should know besides
}

// AccountDetails has the original's members, without the tokens and without what
// could be used again.
type AccountDetails struct {
	State     string       `json:"state"`
	Scope     string       `json:"scope"`
	TokenInfo AccountToken `json:"tokenInfo"`
	UserInfo  AccountUser  `json:"userInfo"`
	Timestamp time.Time    `json:"timestamp"`
}

// AccountToken is what is told of a token.
type AccountToken struct {
	TokenType string `json:"tokenType"`
	ExpiresAt int64  `json:"expiresAt"` // ms since 1970
}

// AccountUser is whose account it is.
type AccountUser struct {
	Email   string `json:"email"`
	Name    string `json:"name"`
	Picture string `json:"picture"`
}

// Secret is what may be seen of a secret.
type Secret struct {
	Name    string    `json:"name"` // for charmd's own: what it is for
	Own     bool      `json:"own"`  // of charmd: a connection's tokens
	Key     string    `json:"key"`  // id of the vault key it is sealed with
	Changed time.Time `json:"changed"`
}

// SecretValue is the body of PUT /api/v1/secrets/{name}.
type SecretValue struct {
	Value string `json:"value"`
}

// Vault is what rotate-key and verify tell.
type Vault struct {
	Key     string   `json:"key"`     // id of the key that seals
	Secrets int      `json:"secrets"` // that there are
	Old     int      `json:"old"`     // of them sealed with an earlier key
	Broken  []string `json:"broken"`  // what cannot be opened, a line each
}
