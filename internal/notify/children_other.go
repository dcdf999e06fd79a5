//go:build !unix

package notify

import "os/exec"

// withChildren leaves the command as it is: what it starts outlives it here.
func withChildren(*exec.Cmd) {}
