//go:build unix && !linux

package engine

import "golang.org/x/sys/unix"

const mapFlags = unix.MAP_ANON | unix.MAP_PRIVATE

func adviseSmallPages([]byte) {}

// forget makes mem zero. No advice to these kernels promises zero pages, so memory is written.
func forget(mem []byte) { clear(mem) }
