package pool

import (
	"time"

	"golang.org/x/sys/unix"
)

// slack is how late the kernel may wake a thread of a worker that sleeps.
const slack = time.Millisecond

// loosen lets the kernel wake this thread that late, and all threads of the
// processes that it starts; 0 is the kernel's default. The Go runtime's watcher asks
// for every 20 µs while a worker computes, and each time takes a core from somebody
// for nothing that is so urgent. A kernel that refuses costs no more than that.
func loosen(late time.Duration) { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(late), 0, 0, 0) }
