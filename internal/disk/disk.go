// Package disk says whether there is room to write what charms' runs write. It
// exists because the service stops runs by the same rule that charmd doctor
// judges a disk by.
package disk

import (
	"fmt"

	"charmd/internal/config"
	"charmd/internal/explain"
)

// Lack is what there is too little room for; zero when there is enough.
type Lack struct {
	What string // one line
	Fix  string // what to do, one line
}

// Measure says what is missing on the disk of the data directory while the
// database takes size bytes. When runs were stopped already, a little more must be
// free, so that they do not stop and go.
func Measure(c config.Config, size int64, was bool) Lack {
	free, err := Free(c.DataDir)
	if err != nil {
		free = -1 // not known on this system
	}
	return lack(c, size, free, was)
}

func lack(c config.Config, size, free int64, was bool) Lack {
	budget, least := c.DiskBudget, c.MinFree
	if was {
		budget, least = budget-budget/16, least+least/16
	}
	switch {
	case c.DiskBudget > 0 && size > budget:
		return Lack{fmt.Sprintf("the database takes %s of a disk budget of %s", explain.Size(size), explain.Size(c.DiskBudget)), "remove charms, or raise --disk-budget"}
	case free >= 0 && free < least:
		return Lack{fmt.Sprintf("only %s are free in %s, less than --min-free (%s)", explain.Size(free), c.DataDir, explain.Size(c.MinFree)), "make some room"}
	}
	return Lack{}
}
