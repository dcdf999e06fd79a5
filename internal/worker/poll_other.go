//go:build !unix

package worker

import "os"

// polled opens an inherited pipe.
func polled(fd uintptr, name string) *os.File { return os.NewFile(fd, name) }
