//go:build !linux

package sandbox

import "syscall"

// Enter raises no walls on this system.
func Enter(Limits) Report {
	none := Layer{Unavailable, "only on Linux"}
	return Report{none, none, none, none}
}

// Attributes are those a worker is started with: none on this system.
func Attributes() *syscall.SysProcAttr { return nil }

// SealDescriptors does nothing on this system.
func SealDescriptors() error { return nil }
