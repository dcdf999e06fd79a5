//go:build unix

package sqlite

import "golang.org/x/sys/unix"

// killSelf ends the process as a power cut would: nothing of it runs any more.
func killSelf() error { return unix.Kill(unix.Getpid(), unix.SIGKILL) }

// limitFileSize lets no file of the process grow beyond so many bytes.
func limitFileSize(bytes uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = min(bytes, limit.Max)
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &limit)
}
