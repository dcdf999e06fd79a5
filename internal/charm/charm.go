// Package charm holds the nouns of the service: charms, their jobs and runs,
// the state kept about them, and the errors people see. It exists so that every
// other package speaks of the same things without importing one another; it
// imports the standard library alone.
package charm

import (
	"cmp"
	"strings"
	"time"
)

// Charm is one registered or unregistered instance of a recipe: a result
// document in a space, and what the service was told about running it.
type Charm struct {
	Row         int64         // key of the store; 0 before it is stored
	Space       string        // DID of the space its documents live in
	SpaceName   string        // name the space was made under, "" when unknown
	ID          string        // 59-character entity id of the result document
	Name        string        // unique within its space, for people
	Recipe      string        // id of the recipe ("ba4jc…")
	Integration string        // what registered it, e.g. "rss"
	Schedule    Schedule      // when it runs
	Timeout     time.Duration // wall time of one run; 0 means the service's default
	Priority    int           // higher runs first within its space
	AllowHosts  []string      // private destinations it may reach, host[:port]
	ProbeNever  bool          // do not try again by itself after failures disabled it
	Registered  bool          // it is in the registry and runs in the background
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Ref is how people write the charm: SPACE/NAME, with the DID for an unnamed space.
func (c Charm) Ref() string {
	space := c.SpaceName
	if space == "" {
		space = c.Space
	}
	name := c.Name
	if name == "" {
		name = c.ID
	}
	return space + "/" + name
}

// Within is how long a run of it may take where charms that set no timeout get def.
func (c Charm) Within(def time.Duration) time.Duration {
	return min(cmp.Or(c.Timeout, def), MaxTimeout)
}

// Space is one place documents live in. Documents of different spaces never
// reach one another.
type Space struct {
	Row       int64
	DID       string
	Name      string // "" for a space known by its DID alone
	CreatedAt time.Time
	Since     int64    // number of its last commit; -1 before the first
	Commit    [32]byte // reference of the last commit fact; zero before the first
}

// Recipe is a program charms are instances of.
type Recipe struct {
	ID        string            // "ba4jc…", the id of Source
	Name      string            // base name of the entry file, e.g. "news.tsx"
	Source    string            // what the id is taken of: the file's text, or the bundle when it had imports
	Files     map[string]string // the originals by path, when Source is a bundle
	Program   string            // compiled CommonJS; "" when it must be compiled again
	SourceMap string            // source map of Program (version 3 JSON)
	Compiler  string            // version that made Program
	CreatedAt time.Time
}

// IsDID reports whether s has the form of a space's DID rather than of a name.
func IsDID(s string) bool { return strings.HasPrefix(s, "did:") }
