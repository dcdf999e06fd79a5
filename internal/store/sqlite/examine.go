package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	lib "modernc.org/sqlite/lib"

	"charmd/internal/store"
)

// Look is a database that is only looked at.
type Look struct {
	*view
	Format, Known int64 // what it is written in, and what this charmd writes
}

// Examine reads the database at path and changes nothing of it: it is not brought
// up to date, and an unclean stop stays one. The process owns the database until
// Examine returns. Errors are those of Open, except that a database that is not
// there is fs.ErrNotExist.
func Examine(ctx context.Context, path string, fn func(*Look) error) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return unusable(path, err)
	}
	if sizeOf(path) < 0 && sizeOf(path+"-wal") < 0 {
		return fs.ErrNotExist
	}
	owner, err := own(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, owner.release()) }()
	if _, err := inspect(path, owner.unclean); err != nil {
		return err
	}
	// SQLite makes the log's files even to find out that there is no log.
	for _, suffix := range []string{"-wal", "-shm"} {
		if sizeOf(path+suffix) < 0 {
			defer func() { _ = os.Remove(path + suffix) }() // it was not there, and need not have been made
		}
	}
	s, err := connectBy(ctx, path, dsn(path)+"?mode=ro", readerPragmas...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	fresh, err := identify(ctx, s)
	if err != nil || fresh {
		return err
	}
	look := &Look{view: &view{s, ctx}, Known: int64(len(migrations))}
	if look.Format, err = s.number(ctx, "pragma user_version"); err != nil {
		return explain(err, path)
	}
	if err := tooNew(path, look.Format, look.Known); err != nil {
		return err
	}
	return explain(fn(look), path)
}

// Damage lists what is wrong with the structure of the database, up to a number of
// lines, or else what its rows say that cannot be; none when it is whole.
func (l *Look) Damage() ([]string, error) {
	return broken(l.ctx, l.session, "pragma integrity_check(20)")
}

// Strays lists rows that belong to something that is gone.
func (l *Look) Strays() ([]string, error) { return strays(l.ctx, l.session) }

// Check is what Look.Damage says, as far as that can be found out beside the
// work: only of a database that is not too large for it.
func (db *DB) Check(ctx context.Context) (found []string, err error) {
	if size, err := db.Size(); err != nil || size > checkedAfterCrash {
		return nil, err
	}
	err = db.View(ctx, func(r store.Reader) error {
		found, err = broken(ctx, r.(*view).session, "pragma quick_check(20)")
		return err
	})
	return found, err
}

// broken runs a check of SQLite, and looks at the rows when it finds nothing.
func broken(ctx context.Context, s *session, pragma string) ([]string, error) {
	found, err := damage(ctx, s, pragma)
	if err != nil || len(found) > 0 {
		return found, err
	}
	return contradict(ctx, s)
}

// damage runs a check of SQLite. Damage at which the check itself fails is what it
// has found.
func damage(ctx context.Context, s *session, pragma string) (found []string, err error) {
	defer func() {
		if primary(codeOf(err)) == lib.SQLITE_CORRUPT {
			found, err = append(found, err.Error()), nil
		}
		err = explain(err, s.path)
	}()
	err = s.each(ctx, pragma, func(scan func(...any) error) error {
		var line string
		err := scan(&line)
		if err == nil && line != "ok" {
			found = append(found, line)
		}
		return err
	})
	return found, err
}

// strays finds rows whose parent is not there, by table.
func strays(ctx context.Context, s *session) (found []string, err error) {
	const query = `select "table", parent, count(*) from pragma_foreign_key_check group by 1, 2`
	err = s.each(ctx, query, func(scan func(...any) error) error {
		var table, parent string
		var n int
		err := scan(&table, &parent, &n)
		found = append(found, fmt.Sprintf("%d of table %s belong to a %s that is gone", n, table, parent))
		return err
	})
	return found, explain(err, s.path)
}
