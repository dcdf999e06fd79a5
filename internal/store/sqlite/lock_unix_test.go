//go:build unix && !solaris && !illumos && !aix

package sqlite

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A child that is just being started has every file of this process open, for as long as
// a busy machine takes to start it: the lock is given back all the same.
func TestALockIsGivenBackBesideChildren(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db, err := Open(t.Context(), path, Options{})
	ok(t, err)
	childs, err := unix.Dup(int(db.owner.file.Fd()))
	ok(t, err)
	defer unix.Close(childs)
	ok(t, db.Close())
	if pid, locked := Locked(filepath.Dir(path)); locked {
		t.Errorf("after closing it is locked by %d", pid)
	}
	ok(t, open(t, path, Options{}).Health())
}
