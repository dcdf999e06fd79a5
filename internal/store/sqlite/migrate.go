package sqlite

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"charmd/internal/charm"
)

//go:embed migrations/*.sql
var embedded embed.FS

// migration takes a database from version-1 to version. It is never changed
// once released: databases that have taken it would not take it again.
type migration struct {
	version int
	name    string
	script  string
}

// migrations are the embedded ones in order.
var migrations = mustLoad(embedded)

// loadMigrations reads NNNN_name.sql files and checks that they count up from 1.
func loadMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var list []migration
	for _, name := range names { // Glob sorts
		script, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		base := path.Base(name)
		number, _, _ := strings.Cut(base, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != len(list)+1 {
			return nil, fmt.Errorf("migration %s should have number %04d", base, len(list)+1)
		}
		list = append(list, migration{version, base, string(script)})
	}
	return list, nil
}

func mustLoad(files fs.FS) []migration {
	list, err := loadMigrations(files)
	if err != nil {
		panic(err)
	}
	return list
}

// migrate applies the migrations the database at path has not had, each in a
// transaction of its own together with the new version number. A database with
// more of them than this program knows is refused and left as it is.
func migrate(ctx context.Context, s *session, list []migration) error {
	path := s.path
	have, err := s.number(ctx, "pragma user_version")
	if err != nil {
		return explain(err, path)
	}
	if err := tooNew(path, have, int64(len(list))); err != nil {
		return err
	}
	if have < 0 {
		return damaged(path, fmt.Errorf("it is damaged: its format is %d", have))
	}
	for _, m := range list[have:] {
		script := fmt.Sprintf("begin immediate;\n%s\n;pragma user_version = %d;\ncommit", m.script, m.version)
		if err := s.script(ctx, script); err != nil {
			// Nothing of it may stay; where the failure has rolled back by itself
			// this one fails, which says nothing new.
			_ = s.script(context.WithoutCancel(ctx), "rollback")
			return explain(fmt.Errorf("migration %s: %w", m.name, err), path)
		}
	}
	return nil
}

// tooNew refuses a database of a format that this program does not know.
func tooNew(path string, have, known int64) error {
	if have <= known {
		return nil
	}
	return charm.Errorf(charm.CodeDataNewer,
		"%s was written by a newer charmd (its format is %d, this charmd knows up to %d)", path, have, known).
		WithHint("use that newer charmd, or another data directory")
}
