package charm

import "time"

// Connection is an account at a provider that charms of a space may use. What
// proves it to the provider is in the vault; here is what may be seen.
type Connection struct {
	ID       string // 26 random characters; the stand-ins in the auth cell are made of it
	Space    string // DID of the space whose charms may use it
	Charm    string // entity id of the charm it was connected for; "" for none
	Provider string // name of a row of the provider table, e.g. "google"
	Cell     AuthCell
	Account  Account
	Scopes   []string // that were granted
	State    ConnectionState
	Reason   string    // why it must be connected again, for people; "" while it works
	Since    time.Time // of State
	Tried    time.Time // when a connection that does not work was last tried
	Made     time.Time // when a person connected it last
	Expires  time.Time // of the access token
	Ends     time.Time // when the provider said that the access ends whatever is done; zero when it did not
}

// AuthCell is where a charm's recipe expects the account: a place in a document
// of the connection's space. The zero value is none.
type AuthCell struct {
	ID   string   // entity id of the document
	Path []string // from its value
}

// Account is who was connected, as the provider tells it.
type Account struct {
	Email, Name, Picture string
}

// ConnectionState says whether a connection can be used.
type ConnectionState string

// The states of a connection.
const (
	Connected     ConnectionState = "connected"
	Disconnected  ConnectionState = "needs_reconnect" // a person must connect it again
	StatusAccount                 = "needs_reconnect" // how a charm stands that waits for that
)

// RefusedAnswer is an answer in a provider's name that fitted no connecting that a person
// had begun, as often as the same came from the same address.
type RefusedAnswer struct {
	First, Last time.Time
	Provider    string // "" for none that is known
	From        string // address, without the port
	Why         string // one line, without what was sent
	Times       int
}
