//go:build unix

package notify

import (
	"os/exec"
	"syscall"
)

// withChildren makes the end of ctx end the command together with what it has
// started.
func withChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
