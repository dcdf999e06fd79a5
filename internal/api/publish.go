package api

// PublishRequest asks for a secret link to a charm's items.
type PublishRequest struct {
	Cell []string `json:"cell,omitempty"` // path from its result; none: where charms keep their items
}

// Published is a secret link: whoever has it reads the cell, and nothing else.
type Published struct {
	Cell  []string          `json:"cell"`
	Links map[string]string `json:"links"` // by format: atom, ics, json
}
