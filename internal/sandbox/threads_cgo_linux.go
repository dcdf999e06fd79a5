//go:build cgo

package sandbox

import "golang.org/x/sys/unix"

// threadsFromProc: in an executable that C code may start threads in, they are
// found by looking into /proc. A worker then has one in which it is alone.
const threadsFromProc = true

// threadCalls are what the C library needs besides to make threads.
var threadCalls = []uint32{unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ}
