package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"charmd/internal/charm"
)

// lockName is the file in the data directory whose lock makes its holder the
// owner of the database.
const lockName = "charmd.lock"

const (
	// lockTries is how often a lock is tried for before it counts as taken: an owner
	// that is about to end, or Locked of another process, holds it for a moment.
	lockTries = 30
	lockRetry = 10 * time.Millisecond
)

// errLocked says that another open file holds the lock.
var errLocked = errors.New("locked by another process")

// ownership is the held lock. Its file holds the owner's process id and, while
// the database is open for writing, the mark: the system drops the lock when
// the process dies, the text stays, and so a later owner knows how it ended.
type ownership struct {
	file *os.File
	// unclean says that the owner before this one died with the database open.
	unclean bool
}

// mark is the second line of the file while the database has a write-ahead log.
const mark = "open"

// own takes the lock of the directory that the database at path lies in.
func own(path string) (*ownership, error) {
	name := filepath.Join(filepath.Dir(path), lockName)
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, unusable(path, err)
	}
	o := &ownership{file: file}
	err = lockFile(file, true)
	for try := 1; errors.Is(err, errLocked) && try < lockTries; try++ {
		time.Sleep(lockRetry)
		err = lockFile(file, true)
	}
	pid, marked, readErr := o.read()
	if errors.Is(err, errLocked) {
		return nil, errors.Join(takenBy(pid, path), file.Close())
	}
	if err = errors.Join(err, readErr); err != nil {
		return nil, errors.Join(unusable(path, fmt.Errorf("lock %s: %w", name, err)), file.Close())
	}
	o.unclean = marked
	return o, nil
}

func takenBy(pid int, path string) error {
	who := "another charmd"
	if pid != 0 {
		who += fmt.Sprintf(" (pid %d)", pid)
	}
	return charm.Errorf(charm.CodeDataLocked, "%s uses %s", who, path).
		WithHint("stop it first, or choose another directory with --data-dir")
}

// read is what the file says: the last owner's process id, 0 when there is
// none, and whether the mark is set.
func (o *ownership) read() (pid int, marked bool, err error) {
	text, err := io.ReadAll(io.NewSectionReader(o.file, 0, 64))
	if err != nil {
		return 0, false, err
	}
	first, second, _ := strings.Cut(string(text), "\n")
	pid, _ = strconv.Atoi(first)
	return pid, strings.TrimSpace(second) == mark, nil
}

// write replaces what the file says.
func (o *ownership) write(text string) error {
	if _, err := o.file.WriteAt([]byte(text), 0); err != nil {
		return err
	}
	if err := o.file.Truncate(int64(len(text))); err != nil {
		return err
	}
	return o.file.Sync()
}

// claim writes this process's id, with the mark or without.
func (o *ownership) claim(marked bool) error {
	text := strconv.Itoa(os.Getpid()) + "\n"
	if marked {
		text += mark + "\n"
	}
	return o.write(text)
}

// release gives the lock back. Closing the file would do, but for children that this
// process is starting just now: until they are what they are to be they have it open too.
func (o *ownership) release() error { return errors.Join(unlockFile(o.file), o.file.Close()) }

// Locked reports whether a process owns the database in the directory, and its
// process id when that is known.
func Locked(dir string) (pid int, locked bool) {
	file, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return 0, false
	}
	defer file.Close()
	if !errors.Is(lockFile(file, false), errLocked) {
		_ = unlockFile(file)
		return 0, false
	}
	o := &ownership{file: file}
	pid, _, _ = o.read()
	return pid, true
}
