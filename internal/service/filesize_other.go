//go:build !unix

package service

// ignoreFileSizeSignal has nothing to do: there is no such signal.
func ignoreFileSizeSignal() {}
