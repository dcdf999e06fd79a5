//go:build cgo

package sandbox

// threadsFromProc: in an executable that C code may start threads in, they are
// found by looking into /proc. A worker then has one in which it is alone.
const threadsFromProc = true
