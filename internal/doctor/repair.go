package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"charmd/internal/queue"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
)

// RepairFiles mends what of the problems lies in the modes of files and in files
// that may be deleted; it returns what it did, a line each.
func (p *Patient) RepairFiles(found []Problem) (done []string, err error) {
	if has(found, Directory) && p.missing() == nil {
		done, err = tighten(p.Config.DataDir, 0o700)
	}
	for _, name := range private {
		if !has(found, FileMode) {
			break
		}
		more, e := tighten(p.inDir(name), 0o600)
		done, err = append(done, more...), errors.Join(err, e)
	}
	if has(found, RuntimeFile) {
		if e := os.Remove(p.RuntimeFile); e != nil {
			err = errors.Join(err, e)
		} else {
			done = append(done, "deleted "+p.RuntimeFile)
		}
	}
	return done, err
}

// tighten takes rights on a file away from others.
func tighten(path string, mode os.FileMode) (done []string, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil || info.Mode().Perm()&^mode == 0 {
		return nil, err
	}
	if err := os.Chmod(path, info.Mode().Perm()&mode); err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("took rights on %s away from others", path)}, nil
}

// RepairDatabase mends what of the problems lies in the database of a service that
// is not running. Before anything is written the database is copied.
func (p *Patient) RepairDatabase(ctx context.Context, found []Problem) (done []string, err error) {
	if !has(found, Damage) && !has(found, Strays) && !has(found, Invariant) {
		return nil, nil
	}
	done, err = sqlite.Repair(ctx, p.database(), p.Now())
	if err != nil {
		return done, err
	}
	db, err := sqlite.Open(ctx, p.database(), sqlite.Options{})
	if err != nil {
		return done, err
	}
	var mended []queue.Breach
	err = db.Update(ctx, func(tx store.Tx) (err error) {
		mended, err = queue.Repair(tx, p.Now())
		return err
	})
	for _, b := range mended {
		done = append(done, fmt.Sprintf("%s (%s): %s", b.Charm.Ref(), b.Kind, b.Repair))
	}
	return done, errors.Join(err, db.Close())
}

func has(found []Problem, code Code) bool {
	return slices.ContainsFunc(found, func(p Problem) bool { return p.Code == code })
}
