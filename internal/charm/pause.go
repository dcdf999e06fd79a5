package charm

import "time"

// PauseScope is what a pause stops.
type PauseScope string

// The scopes.
const (
	PauseAll         PauseScope = "all"         // everything
	PauseSpace       PauseScope = "space"       // the charms of a space
	PauseIntegration PauseScope = "integration" // the charms of an integration
	PauseCharm       PauseScope = "charm"       // one charm
)

// Pause keeps charms from running by themselves until a person resumes them.
// Runs that people ask for still run, and what is due meanwhile is one run later.
type Pause struct {
	Scope   PauseScope
	Subject string // DID of the space, name of the integration, row of the charm; "" for all
	Note    string // why, for people
	At      time.Time
}
