package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Repair copies the database at path beside itself and then mends of it what can
// be: it is written anew when its structure is damaged and all of its tables can
// still be read, and rows of charms that are gone are deleted. It returns what it
// did, a line each, also when it fails later on. Nothing is changed unless the
// copy is on disk. Errors are those of Open.
func Repair(ctx context.Context, path string, at time.Time) (done []string, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, unusable(path, err)
	}
	owner, err := own(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, owner.release()) }()
	if fresh, err := inspect(path, owner.unclean); err != nil || fresh {
		return nil, err
	}
	kept := path + ".before-repair-" + at.UTC().Format("20060102T150405Z")
	if err := copyAside(path, kept); err != nil {
		return nil, unusable(path, fmt.Errorf("it could not be copied, and nothing is repaired without that: %w", err))
	}
	done = append(done, "copied the database to "+kept)
	s, err := connect(ctx, path, writerPragmas...)
	if err != nil {
		return done, err
	}
	broken, err := mend(ctx, s, &done)
	// As when the database is closed: the mark goes before the log may.
	if err = errors.Join(err, owner.claim(false), s.close(), owner.write("")); err != nil || !broken {
		return done, err
	}
	var deleted []string
	if err := rewrite(ctx, path, &deleted); err != nil {
		return done, err
	}
	return append(append(done, "wrote the database anew from what its tables hold"), deleted...), nil
}

// mend repairs what can be repaired in place, and reports whether the structure is
// damaged, which cannot.
func mend(ctx context.Context, s *session, done *[]string) (broken bool, err error) {
	if fresh, err := identify(ctx, s); err != nil || fresh {
		return false, err
	}
	have, err := s.number(ctx, "pragma user_version")
	if err != nil {
		return false, explain(err, s.path)
	}
	if err := tooNew(s.path, have, int64(len(migrations))); err != nil {
		return false, err
	}
	found, err := damage(ctx, s, "pragma integrity_check(1)")
	if err != nil || len(found) > 0 {
		return true, err
	}
	return false, deleteStrays(ctx, s, done)
}

// deleteStrays deletes rows of charms that are gone, of the tables that the
// database's format has.
func deleteStrays(ctx context.Context, s *session, done *[]string) error {
	for _, table := range []string{"job", "state", "problem"} {
		there, err := s.number(ctx, "select count(*) from sqlite_schema where type = 'table' and name = '"+table+"'")
		if err != nil {
			return explain(err, s.path)
		}
		if there == 0 {
			continue
		}
		n, err := s.exec("delete from " + table + " where charm is not null and charm not in (select row from charm)")
		if err != nil {
			return err
		}
		if n > 0 {
			*done = append(*done, fmt.Sprintf("deleted %d of table %s that belonged to charms that are gone", n, table))
		}
	}
	return nil
}

// rewrite puts a new database in the place of the one at path, with what can be
// read of its tables without their indexes, but for rows of charms that are gone:
// all of it, or nothing is done.
func rewrite(ctx context.Context, path string, deleted *[]string) (err error) {
	draft := path + ".new"
	if err := remove(draft); err != nil {
		return unusable(path, err)
	}
	defer func() { err = errors.Join(err, remove(draft)) }()
	if err := os.WriteFile(draft, nil, 0o600); err != nil {
		return unusable(path, err)
	}
	s, err := connect(ctx, draft, writerPragmas...)
	if err != nil {
		return err
	}
	err = explain(refill(ctx, s, path), path)
	if err == nil {
		err = deleteStrays(ctx, s, deleted)
	}
	if err = errors.Join(err, s.close()); err != nil {
		return err
	}
	// A log of the old one must not be taken for one of the new; without one the
	// old is whole, for closing it has copied its log. So none of these is done
	// unless the one before it was.
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := remove(path + suffix); err != nil {
			return unusable(path, err)
		}
	}
	if err := os.Rename(draft, path); err != nil {
		return unusable(path, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return unusable(path, err)
	}
	return nil
}

// refill fills a new database from the one at path.
func refill(ctx context.Context, s *session, path string) error {
	if err := s.script(ctx, "attach ? as old", dsn(path)); err != nil {
		return err
	}
	have, err := s.number(ctx, "pragma old.user_version")
	if err != nil {
		return err
	}
	if err := errors.Join(create(ctx, s), migrate(ctx, s, migrations[:have])); err != nil {
		return err
	}
	tables, err := list(s, `select name from old.sqlite_schema where type = 'table' and (name not like 'sqlite_%' or name = 'sqlite_sequence')
		order by name like 'sqlite_%'`, nil, func(scan func(...any) error) (name string, err error) {
		return name, scan(&name)
	})
	if err != nil {
		return err
	}
	script := "pragma foreign_keys = off; begin;\n"
	for _, t := range tables {
		// The condition keeps SQLite from copying indexes instead of rows.
		script += fmt.Sprintf("delete from main.%s; insert into main.%[1]s select * from old.%[1]s not indexed where true;\n", t)
	}
	return s.script(ctx, script+"commit")
}

// copyAside copies the database and its log as they are, for nothing that reads
// them can be relied on.
func copyAside(path, kept string) error {
	for _, suffix := range []string{"-wal", ""} {
		if sizeOf(path+suffix) < 0 {
			continue
		}
		if err := copyFile(path+suffix, kept+suffix); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// syncDir sees that a rename in the directory is on disk, where a directory can be
// written out by itself.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// remove deletes a file that may not be there.
func remove(name string) error {
	if err := os.Remove(name); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
