// Package spacefile is the form in which a space is carried from one charmd to
// another: JSON lines, of which the first says what the file is and the last what
// all of them add up to. It exists so that a file that was cut, changed or made up
// is refused with the line that is wrong, before anything of it is written.
package spacefile

import (
	"time"

	"charmd/internal/charm"
)

// Version is of the form that is written, and the only one that is read.
const Version = 1

// Header is the first line.
type Header struct {
	Version int       `json:"charmdSpace"`
	DID     string    `json:"did"`
	Name    string    `json:"name,omitempty"`
	Since   int64     `json:"since"` // number of its last commit
	At      time.Time `json:"at"`
}

// line is any other line: exactly one member is there.
type line struct {
	Fact   *factLine   `json:"fact,omitempty"`
	Recipe *recipeLine `json:"recipe,omitempty"`
	Charm  *Charm      `json:"charm,omitempty"`
	End    *endLine    `json:"end,omitempty"`
}

type factLine struct {
	The   string  `json:"the"`
	Of    string  `json:"of"`
	Ref   string  `json:"ref"`   // string form
	Cause string  `json:"cause"` // string form
	Is    rawText `json:"is,omitempty"`
}

type recipeLine struct {
	ID     string            `json:"id"`
	Name   string            `json:"name"`
	Source string            `json:"source"`
	Files  map[string]string `json:"files,omitempty"`
}

// Charm is a charm of the space, and how it is to run.
type Charm struct {
	ID          string         `json:"id"`
	Name        string         `json:"name,omitempty"`
	Recipe      string         `json:"recipe"`
	Integration string         `json:"integration,omitempty"`
	Schedule    charm.Schedule `json:"schedule"`
	Timeout     time.Duration  `json:"timeoutNs,omitempty"`
	Priority    int            `json:"priority,omitempty"`
	AllowHosts  []string       `json:"allowHosts,omitempty"`
	ProbeNever  bool           `json:"probeNever,omitempty"`
	Registered  bool           `json:"registered,omitempty"`
}

type endLine struct {
	Lines  int    `json:"lines"`  // before this one
	Digest string `json:"sha256"` // of them, line ends included, hexadecimal
}

// rawText is JSON that is kept as it stands, so that the order of keys and the
// text of numbers stay.
type rawText []byte

// MarshalJSON implements json.Marshaler.
func (r rawText) MarshalJSON() ([]byte, error) { return r, nil }

// UnmarshalJSON implements json.Unmarshaler. null is a value too.
func (r *rawText) UnmarshalJSON(text []byte) error {
	*r = append(rawText{}, text...)
	return nil
}
