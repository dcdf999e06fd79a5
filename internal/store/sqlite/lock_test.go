package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"charmd/internal/charm"
)

func init() {
	// holder keeps the database open until its standard input ends.
	children["holder"] = func(path string) error {
		db, err := Open(context.Background(), path, Options{})
		if err != nil {
			return err
		}
		fmt.Println("open")
		_, err = io.Copy(io.Discard, os.Stdin)
		if err != nil {
			return err
		}
		return db.Close()
	}
}

func TestFault19_TwoOwners(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	dir := filepath.Dir(path)
	if pid, locked := Locked(dir); locked {
		t.Fatalf("an empty directory is locked by %d", pid)
	}
	cmd := child(t.Context(), "holder", path)
	stdin, err := cmd.StdinPipe()
	ok(t, err)
	stdout, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "open\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}

	_, err = Open(t.Context(), path, Options{})
	if e := wantCode(t, err, charm.CodeDataLocked); !strings.Contains(e.Message, fmt.Sprintf("another charmd (pid %d) uses %s", cmd.Process.Pid, path)) {
		t.Errorf("message %q does not name the owner", e.Message)
	}
	if code := charm.ExitCode(err); code != charm.ExitLocked {
		t.Errorf("exit code %d, want %d", code, charm.ExitLocked)
	}
	if pid, locked := Locked(dir); !locked || pid != cmd.Process.Pid {
		t.Errorf("Locked says %d, %v", pid, locked)
	}

	ok(t, stdin.Close())
	ok(t, cmd.Wait())
	if pid, locked := Locked(dir); locked {
		t.Errorf("still locked by %d", pid)
	}
	db := open(t, path, Options{})
	_, err = Open(t.Context(), path, Options{})
	wantCode(t, err, charm.CodeDataLocked) // within one process, too
	ok(t, db.Close())
	open(t, path, Options{})
}

func TestFault19_OwnerKilled(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	cmd := child(t.Context(), "holder", path)
	_, err := cmd.StdinPipe()
	ok(t, err)
	stdout, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	_, err = bufio.NewReader(stdout).ReadString('\n')
	ok(t, err)
	ok(t, cmd.Process.Kill())
	_ = cmd.Wait() // killed
	if pid, locked := Locked(filepath.Dir(path)); locked {
		t.Errorf("a dead process, %d, holds the lock", pid)
	}
	db := open(t, path, Options{})
	if !db.owner.unclean {
		t.Error("a killed owner counts as a clean stop")
	}
	ok(t, db.Close())
	if open(t, path, Options{}).owner.unclean {
		t.Error("a clean stop counts as unclean")
	}
}

// TestLockedDoesNotDisturb asks who owns the directory while others open it.
func TestLockedDoesNotDisturb(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	stop := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				Locked(filepath.Dir(path))
			}
		}
	})
	for range 10 {
		db, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Error(err)
			break
		}
		if _, locked := Locked(filepath.Dir(path)); !locked {
			t.Error("an open database is not locked")
		}
		ok(t, db.Close())
	}
	close(stop)
	asking.Wait()
}
