package api

// UpdateRequest is the body of POST /api/v1/charms/{space}/{charm}/update: the
// recipe that the charm is to have, or Back for the one it had before.
type UpdateRequest struct {
	Entry  string            `json:"entry,omitempty"` // a key of Files
	Files  map[string]string `json:"files,omitempty"`
	Back   bool              `json:"back,omitempty"`
	Moves  map[string]string `json:"moves,omitempty"`  // old name of a cell to its new one
	DryRun bool              `json:"dryRun,omitempty"` // only tell
	From   string            `json:"from,omitempty"`   // the recipe the charm must have; "" is any
}

// Updated is what an update does to a charm.
type Updated struct {
	Charm     string            `json:"charm"`  // SPACE/NAME
	Before    string            `json:"before"` // recipe
	After     string            `json:"after"`  // recipe
	File      string            `json:"file"`   // of the recipe after
	DryRun    bool              `json:"dryRun,omitempty"`
	Back      bool              `json:"back,omitempty"`
	Loses     bool              `json:"loses"`            // state is lost
	Commit    int64             `json:"commit,omitempty"` // that wrote it
	Cells     []UpdatedCell     `json:"cells"`            // the charm's own; of an update
	Documents []ChangedDocument `json:"documents"`        // before and after
	Runs      int               `json:"runs,omitempty"`   // of going back: runs since, whose changes are taken back
	Forgotten int               `json:"forgotten,omitempty"`
}

// The fates of a cell in an update.
const (
	CellKept    = "kept"
	CellMoved   = "moved"
	CellNew     = "new"
	CellDropped = "dropped"
)

// UpdatedCell is what becomes of one cell of a charm's own state.
type UpdatedCell struct {
	Name  string `json:"name"`
	Was   string `json:"was,omitempty"` // its name before, of a moved one
	Fate  string `json:"fate"`
	Value string `json:"value,omitempty"` // JSON of what it holds, cut
}
