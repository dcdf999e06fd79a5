package sqlite

import (
	"encoding/json"
	"fmt"
	"time"

	"charmd/internal/charm"
)

var (
	recipeColumns = columns{"id", "name", "compiler", "created", "files", "source", "program", "source_map"}
	putRecipe     = recipeColumns.insert("recipe") + " on conflict (id) do update set " +
		"compiler = excluded.compiler, program = excluded.program, source_map = excluded.source_map"
	dropPrograms = "update recipe set compiler = '', program = '', source_map = '' where row in (select row from recipe " +
		"where compiler <> '' and created < ? and id not in (select recipe from charm) limit ?)"
	selectRecipe = "select " + recipeColumns.of("recipe") + " from recipe where id = ?"
)

func (v *view) Recipe(id string) (r charm.Recipe, err error) {
	err = v.row(selectRecipe, []any{id},
		&r.ID, &r.Name, &r.Compiler, timeOf{&r.CreatedAt}, jsonOf{&r.Files}, &r.Source, &r.Program, &r.SourceMap)
	return r, err
}

func (v *view) RecipeIDs() ([]string, error) {
	return list(v.session, "select id from recipe order by id", nil, scanText)
}

func (t *tx) PutRecipe(r charm.Recipe) error {
	files, err := json.Marshal(r.Files)
	if err == nil {
		_, err = t.exec(putRecipe, r.ID, r.Name, r.Compiler, millis(r.CreatedAt), string(files), r.Source, r.Program, r.SourceMap)
	}
	if err != nil {
		return fmt.Errorf("store recipe %s: %w", r.ID, err)
	}
	return nil
}

func (t *tx) DropPrograms(before time.Time, limit int) (int, error) {
	n, err := t.exec(dropPrograms, millis(before), limit)
	if err != nil {
		return 0, fmt.Errorf("drop programs: %w", err)
	}
	return int(n), nil
}
