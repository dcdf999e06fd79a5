package sqlite

import (
	"strings"
	"testing"

	lib "modernc.org/sqlite/lib"

	"charmd/internal/charm"
)

// A start on a full disk fails where SQLite makes the index of its log, which it
// calls an I/O error.
func TestFault18_WhatAFullDiskIsCalled(t *testing.T) {
	t.Parallel()
	for code, full := range map[int]bool{lib.SQLITE_FULL: true, lib.SQLITE_IOERR_SHMSIZE: true, lib.SQLITE_IOERR_READ: false} {
		e := wantCode(t, explain(&failure{code: code}, "/d/charmd.db"), charm.CodeUnavailable)
		if strings.HasPrefix(e.Message, "the disk is full") != full {
			t.Errorf("%d: %s", code, e.Message)
		}
	}
}
