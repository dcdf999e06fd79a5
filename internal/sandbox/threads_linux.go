//go:build !cgo

package sandbox

// threadsFromProc: Go knows its threads itself.
const threadsFromProc = false
