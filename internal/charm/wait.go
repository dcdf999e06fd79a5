package charm

// Wait is a stated reason for having no next run, other than being disabled. The
// zero value is none.
type Wait struct {
	For Need
	Why string // for people
}

// Is reports whether there is a reason.
func (w Wait) Is() bool { return w.For != "" }

// Need is what a charm waits for. Whoever finds that a need is met, or that there is
// one, says so of that need alone.
type Need string

// What a charm may wait for.
const (
	ForAccount   Need = "account"   // a person connects its account again
	ForDocuments Need = "documents" // they come into its space
	ForLists     Need = "lists"     // those of its space have it
	ForRecipe    Need = "recipe"    // it is stored here
	ForSchedule  Need = "schedule"  // one that can be used
)

// WaitsForAccount reports whether the charm waits until a person has connected
// its account again.
func (s State) WaitsForAccount() bool { return s.Waiting.For == ForAccount }
