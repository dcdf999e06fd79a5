// Package cgroup gives each worker process a share of the machine that the kernel
// holds it to: memory of every kind, threads and processor time. It exists because
// limits of a process do not count what the kernel keeps for it, and because of a
// cgroup it is known afterwards whether the kernel ended a process for its memory.
//
// It knows cgroups of version 2 alone, and only where the service's own may be
// divided: that of a systemd unit with Delegate=yes, or of a container to itself.
package cgroup

// Limits are those of one worker.
type Limits struct {
	MemoryBytes uint64 // of all kinds, with what the kernel keeps for it
	Threads     int
}

// Reason says why there are no cgroups for workers: one line for people.
type Reason string

func (r Reason) Error() string { return string(r) }
