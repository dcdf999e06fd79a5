package runcharm

import (
	"context"
	"fmt"
	"path"

	"charmd/internal/blobby"
	"charmd/internal/charm"
	"charmd/internal/recipe"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// current is the stored recipe, compiled by this version. One that an older
// version compiled is compiled again first: its program is made for a runtime
// that is not there any more. One that a client stored is compiled and kept.
func (r *Runner) current(ctx context.Context, id string) (rec charm.Recipe, err error) {
	if rec, ok := r.recipes.get(id); ok {
		return rec, nil
	}
	if rec, err = r.stored(ctx, id); err == nil {
		r.recipes.put(rec)
	}
	return rec, err
}

func (r *Runner) stored(ctx context.Context, id string) (rec charm.Recipe, err error) {
	err = r.store.View(ctx, func(v store.Reader) error {
		rec, err = blobby.Recipe(v, id)
		return err
	})
	if err != nil || rec.Compiler == recipe.Compiler && rec.Program != "" {
		return rec, err
	}
	out, err := r.pool.Compile(ctx, wire.CompileRequest{Entry: rec.Name, Files: map[string]string{rec.Name: rec.Source}})
	if err != nil {
		return rec, err
	}
	if len(out.Errors) > 0 {
		return rec, CompileError(out.Errors)
	}
	rec.Program, rec.SourceMap, rec.Compiler = out.Program, out.SourceMap, out.Compiler
	r.mu.Lock()
	delete(r.maps, rec.ID)
	r.mu.Unlock()
	return rec, r.store.Update(ctx, func(tx store.Tx) error { return tx.PutRecipe(rec) })
}

// Compile makes a recipe of source files, in a worker process.
func (r *Runner) Compile(ctx context.Context, entry string, files map[string]string) (charm.Recipe, error) {
	if len(files) == 0 || files[entry] == "" {
		return charm.Recipe{}, charm.Errorf(charm.CodeInvalid, "no source code: the entry file %q is missing or empty", entry)
	}
	request := wire.CompileRequest{Entry: entry, Files: files}
	if err := recipe.Check(request); err != nil {
		return charm.Recipe{}, err
	}
	out, err := r.pool.Compile(ctx, request)
	if err != nil {
		return charm.Recipe{}, err
	}
	if len(out.Errors) > 0 {
		return charm.Recipe{}, CompileError(out.Errors)
	}
	rec := charm.Recipe{
		ID: recipe.ID(out.Source), Name: path.Base(entry), Source: out.Source, Program: out.Program,
		SourceMap: out.SourceMap, Compiler: out.Compiler, CreatedAt: r.now(),
	}
	if out.Source != files[entry] {
		rec.Files = files
	}
	return rec, nil
}

// CompileError is what a person is told of a recipe that does not compile: the
// first message with its place, file:line:column.
func CompileError(list []wire.CompileError) error {
	e := list[0]
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
	err := charm.Errorf(charm.CodeCompile, "%s: %s", where, e.Text)
	if len(list) > 1 {
		return err.WithHint("and %d more errors", len(list)-1)
	}
	return err
}
