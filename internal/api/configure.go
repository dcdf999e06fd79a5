package api

// ConfigureRequest is the body of PATCH /api/v1/charms/{space}/{charm}: what is to be
// changed of what add was given. What is left out stays as it is.
type ConfigureRequest struct {
	Timeout     string   `json:"timeout,omitempty"`     // Go duration; "default" means the service's
	AllowHosts  []string `json:"allowHosts,omitempty"`  // HOST[:PORT]s that it may reach besides
	RemoveHosts []string `json:"removeHosts,omitempty"` // and those that it may not any more, as they were given
	Integration string   `json:"integration,omitempty"`
	Priority    *int     `json:"priority,omitempty"`
	Probe       string   `json:"probe,omitempty"` // auto, never
}

// Empty reports whether nothing is to be changed.
func (r ConfigureRequest) Empty() bool {
	return r.Timeout == "" && len(r.AllowHosts)+len(r.RemoveHosts) == 0 && r.Integration == "" && r.Priority == nil && r.Probe == ""
}

// Configured is how a charm is run from now on.
type Configured struct {
	Charm       string   `json:"charm"`   // SPACE/NAME
	Timeout     string   `json:"timeout"` // "default" for the service's
	AllowHosts  []string `json:"allowHosts"`
	Integration string   `json:"integration"`
	Priority    int      `json:"priority"`
	Probe       string   `json:"probe"` // auto, never
}
