package pool

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// sweep kills workers of this owner that an earlier service left behind, and
// says which they were. There should be none: a worker dies with the thread that
// started it, and leaves when its pipe ends. The owner's name in a worker's
// arguments makes it ours; who it is is looked at while it is held by a
// descriptor, so that no other process is hit that has got its number.
func sweep(owner string) (killed []int) {
	if owner == "" {
		return nil
	}
	places, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, place := range places {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(place)))
		if err != nil || !isWorkerOf(owner, place) {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue // it has ended
		}
		if isWorkerOf(owner, place) && unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil {
			killed = append(killed, pid)
		}
		_ = unix.Close(fd)
	}
	return killed
}

// isWorkerOf reads a process's command line.
func isWorkerOf(owner, place string) bool {
	text, err := os.ReadFile(place)
	if err != nil {
		return false
	}
	words := bytes.Split(bytes.TrimSuffix(text, []byte{0}), []byte{0})
	return len(words) > 1 && string(words[1]) == workerMode &&
		slices.ContainsFunc(words[2:], func(w []byte) bool { return string(w) == ownerArgument+owner })
}
