package doctor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// orphans are this user's worker processes that no service has any more: the
// first process of the system has taken them over.
func orphans() map[int]bool {
	found := map[int]bool{}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			continue // it has ended
		}
		if _, theirs := strangersFile(info); theirs {
			continue
		}
		cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || !isWorker(string(cmdline)) || parentOf(dir) != 1 {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			found[pid] = true
		}
	}
	return found
}

// parentOf is the parent of a process, 0 when it has ended.
func parentOf(dir string) int {
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "\nPPid:\t")
	line, _, _ := strings.Cut(rest, "\n")
	ppid, _ := strconv.Atoi(line) // 0 when there is none
	return ppid
}
