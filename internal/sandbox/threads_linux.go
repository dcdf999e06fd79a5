//go:build !cgo

package sandbox

// threadsFromProc: Go knows its threads itself.
const threadsFromProc = false

// threadCalls: Go makes its threads by clone alone.
var threadCalls []uint32
