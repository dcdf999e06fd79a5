package api

import "time"

// Space is one space; Charms and Access are of show alone.
type Space struct {
	DID        string            `json:"did"`
	Name       string            `json:"name,omitempty"`
	CreatedAt  time.Time         `json:"createdAt"`
	Commits    int64             `json:"commits"`
	CharmCount int               `json:"charmCount"`
	Documents  int64             `json:"documents"`
	Bytes      int64             `json:"bytes"` // of the documents as they are now
	Charms     []string          `json:"charms,omitzero"`
	Access     map[string]string `json:"access,omitzero"` // right by DID, * for everybody; the space and the operator have theirs without it
}

// Grant is the body of PUT /api/v1/spaces/{space}/access/{who}.
type Grant struct {
	Right string `json:"right"` // read, write or owner
}

// Imported is what the import of a space did.
type Imported struct {
	Space      string   `json:"space"` // DID
	Name       string   `json:"name,omitempty"`
	From       string   `json:"from"` // DID of the space that was exported
	Facts      int      `json:"facts"`
	Recipes    int      `json:"recipes"`
	Charms     []string `json:"charms"`     // as SPACE/NAME
	Registered bool     `json:"registered"` // those that were run in the background do again
}
