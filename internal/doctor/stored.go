package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"charmd/internal/identity"
	"charmd/internal/queue"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
)

// mostNamed is how many problems of one kind are told one by one.
const mostNamed = 20

// contents are the checks of what the database holds, of a stopped or a running
// service.
var contents = []func(*Patient, store.Reader) ([]Problem, error){clock, zones, ownKey}

func (p *Patient) contents(r store.Reader) (found []Problem, err error) {
	for _, check := range contents {
		more, err := check(p, r)
		if err != nil {
			return found, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// database looks at the database of a stopped service.
func database(ctx context.Context, p *Patient) (found []Problem) {
	err := sqlite.Examine(ctx, p.database(), func(l *sqlite.Look) error {
		broken, err := l.Damage()
		if err != nil {
			return err
		}
		if len(broken) > 0 {
			found = append(found, damaged(p.database(), broken, repairFix))
			return nil // what could be read of it says nothing
		}
		strays, err := l.Strays()
		if err != nil {
			return err
		}
		for _, line := range strays {
			found = append(found, Problem{Strays, "rows in the database are nobody's: " + line, repairFix})
		}
		if l.Format < l.Known {
			return nil // the next start brings it up to date, and then there is more to read
		}
		breaches, err := queue.Inspect(l, p.Now())
		if err != nil {
			return err
		}
		found = append(found, breached(breaches, "the next start mends it, or: "+repairFix)...)
		more, err := p.contents(l)
		found = append(found, more...)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return p.noDatabase("gone")
	}
	if info, empty := os.Stat(p.database()); err == nil && empty == nil && info.Size() == 0 {
		return p.noDatabase("empty")
	}
	if err != nil {
		found = append(found, Of(Database, err))
	}
	return found
}

// noDatabase: a directory in which charmd was never started is fine, one that has
// lost its database is not.
func (p *Patient) noDatabase(what string) []Problem {
	if p.operator == nil || p.Config.Identity != "" || p.Config.OperatorPass != "" {
		return nil
	}
	return []Problem{{Database, fmt.Sprintf("the database %s is %s, and the key of its spaces is still there", p.database(), what),
		"put it back from a backup, with its -wal if there is one; or move the directory away to begin anew"}}
}

func damaged(path string, lines []string, fix string) Problem {
	what := fmt.Sprintf("the database %s is damaged: %s", path, strings.Join(strings.Fields(lines[0]), " "))
	if n := len(lines) - 1; n > 0 {
		what += fmt.Sprintf(" (and %d more)", n)
	}
	return Problem{Damage, what, fix + "; or put a backup in its place"}
}

// breached tells what stands against the invariants.
func breached(list []queue.Breach, fix string) (found []Problem) {
	for i, b := range list {
		if i == mostNamed {
			return append(found, Problem{Invariant, fmt.Sprintf("%d more charms or jobs stand against the invariants", len(list)-i), fix})
		}
		who := "maintenance"
		if b.Charm.Row != 0 {
			who = b.Charm.Ref()
		}
		found = append(found, Problem{Invariant, fmt.Sprintf("%s stands against the invariants (%s): %s", who, b.Kind, b.Detail), fix})
	}
	return found
}

// skew is how far two clocks may differ before it is worth a word.
const skew = time.Minute

// clock: records of the future mean that the clock is wrong now, or was.
func clock(p *Patient, r store.Reader) ([]Problem, error) {
	runs, err := r.Runs(store.RunFilter{Limit: 1})
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	now, last := p.Now(), runs[0].EndedAt
	if !last.After(now.Add(skew)) {
		return nil, nil
	}
	return []Problem{{Clock, fmt.Sprintf("the clock says %s, and a run has ended at %s", now.UTC().Format(time.RFC3339), last.UTC().Format(time.RFC3339)),
		"set the machine's clock; if it is right now, this goes away by itself"}}, nil
}

// zones: the time zones that schedules name.
func zones(_ *Patient, r store.Reader) (found []Problem, err error) {
	charms, err := r.Charms("")
	var told []string
	for _, c := range charms {
		zone := c.Schedule.Zone
		if zone == "" || slices.Contains(told, zone) {
			continue
		}
		told = append(told, zone)
		if _, err := time.LoadLocation(zone); err != nil {
			found = append(found, Problem{TimeZone, fmt.Sprintf("the time zone %s of %s is not known here", zone, c.Ref()), "install the machine's time zone data (package tzdata), then start charmd again"})
		}
	}
	return found, err
}

// ownKey: the names of spaces are made with the operator's key.
func ownKey(p *Patient, r store.Reader) ([]Problem, error) {
	spaces, err := r.Spaces()
	if err != nil || p.operator == nil {
		return nil, err
	}
	var strange []string
	for _, s := range spaces {
		if s.Name != "" && s.DID != identity.SystemSpaceDID && p.operator.Derive(s.Name).DID() != s.DID {
			strange = append(strange, s.Name)
		}
	}
	if len(strange) == 0 {
		return nil, nil
	}
	return []Problem{{KeyForeign, fmt.Sprintf("the operator's key is not the one that spaces were made with: %d of them, such as %s", len(strange), strange[0]),
		"put the key back from a backup, or name it with IDENTITY or OPERATOR_PASS as before"}}, nil
}
