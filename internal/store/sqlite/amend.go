package sqlite

import (
	"fmt"

	"charmd/internal/charm"
)

const (
	amended     = "select row, charm, outcome from run where id = ?"
	amendRun    = "update run set outcome = ?, code = ?, error = ?, log = ? where row = ?"
	moveTallied = "insert into tally (outcome, runs) values (?, ?) on conflict (outcome) do update set runs = runs + excluded.runs"
)

// AmendRun moves the record from one outcome to the other in the tally as well,
// when that has counted it already.
func (t *tx) AmendRun(r charm.Run) error {
	var row, of int64
	var was charm.Outcome
	if err := t.row(amended, []any{r.ID}, &row, &of, &was); err != nil {
		return err
	}
	if _, err := t.exec(amendRun, string(r.Outcome), string(r.Code), r.Error, r.Log, row); err != nil {
		return fmt.Errorf("amend run %s: %w", r.ID, err)
	}
	counted, err := t.talliedTo()
	if err != nil || row > counted || of == 0 || was == r.Outcome {
		return err
	}
	for outcome, runs := range map[charm.Outcome]int{was: -1, r.Outcome: 1} {
		if _, err := t.exec(moveTallied, string(outcome), runs); err != nil {
			return fmt.Errorf("amend the tally for run %s: %w", r.ID, err)
		}
	}
	return nil
}
