//go:build !linux

package sandbox

import "syscall"

// Enter raises no walls on this system.
func Enter(Limits, string) Report {
	none := Layer{Unavailable, "only on Linux"}
	return Report{Namespaces: none, Landlock: none, Seccomp: none, Rlimits: none}
}

// Users is empty on this system: there are no namespaces to be somebody else in.
func Users() []int { return nil }

// Attributes are those a worker is started with: none on this system.
func Attributes(bool, int) *syscall.SysProcAttr { return nil }

// Refused is always false on this system: no namespaces are asked for.
func Refused(error) (refused, lasting bool) { return false, false }

// SealDescriptors does nothing on this system.
func SealDescriptors() error { return nil }
