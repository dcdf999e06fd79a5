package runcharm

import (
	"context"

	"charmd/internal/charm"
	"charmd/internal/wire"
)

// Cells are the cells that a recipe makes by itself, in the order of its own.
// CodeCompile: it does not load.
func (r *Runner) Cells(ctx context.Context, rec charm.Recipe, c charm.Charm) ([]wire.Cell, error) {
	session, err := r.Open(ctx, Work{Run: "cells", Mode: wire.ModeCells, Charm: c, Recipe: &rec, Timeout: c.Timeout})
	if err != nil {
		return nil, err
	}
	result := session.Attempt(ctx)
	return result.Report.Cells, result.Failure(rec)
}

// Failure is the error of a run that is no job of its own; nil when it ended well.
func (r Result) Failure(rec charm.Recipe) error {
	if r.Outcome == charm.OK {
		return nil
	}
	where := rec.Name
	if r.Position != "" {
		where = r.Position
	}
	code := charm.CodeCompile
	if r.Outcome != charm.Errored {
		code = r.Code
	}
	return charm.Errorf(code, "%s: %s", where, r.Error)
}

// StoredRecipe is a recipe by its id, compiled by this version.
func (r *Runner) StoredRecipe(ctx context.Context, id string) (charm.Recipe, error) {
	return r.current(ctx, id)
}
