package store

import "charmd/internal/charm"

// HostReader reads the hosts that are not asked for a while.
type HostReader interface {
	// Hosts lists them in order of Name, then Who.
	Hosts() ([]charm.Host, error)
}

// HostWriter writes them.
type HostWriter interface {
	// PutHost inserts or replaces the host with h.Name and h.Who.
	PutHost(h charm.Host) error
	// DeleteHost removes it; nothing happens when it is not there.
	DeleteHost(name, who string) error
}
