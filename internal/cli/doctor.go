package cli

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/config"
	"charmd/internal/doctor"
	"charmd/internal/explain"
	"charmd/internal/observe"
	"charmd/internal/store/sqlite"
)

func (a *app) doctorCommand() *cobra.Command {
	var repair bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong with charmd itself",
		Long: "Look whether charmd itself is well: data directory, database, invariants, keys, disk,\n" +
			"clock, workers and their walls; not whether charms are, which charmd why says. It prints\n" +
			"nothing when all is well, else a line for each problem with what to do, and the exit code\n" +
			"is 1. Without a daemon it reads the data directory itself and changes nothing.\n\n" +
			"With --repair it mends what can be mended and says what it did. Nothing is written to the\n" +
			"database before a copy of it lies beside it, as charmd.db.before-repair-TIME.",
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			x, err := a.examination(cmd)
			if err != nil {
				return err
			}
			return a.doctor(cmd.Context(), x, repair)
		},
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "mend what can be mended, after copying the database")
	bindOptions(cmd.Flags(), config.Listen)
	return cmd
}

// examination is what doctor looks at, and how it was found.
type examination struct {
	doctor.Patient
	daemon *client.Client
	named  bool             // CHARMD_URL names the daemon: nothing here may be its own
	before []doctor.Problem // in the way of finding it
}

func (a *app) examination(cmd *cobra.Command) (x examination, err error) {
	if x.Config, err = a.load(cmd); err != nil {
		return x, err
	}
	x.Now = a.now
	place, err := a.find(cmd)
	switch {
	case charm.CodeOf(err) == charm.CodeUsage:
		return x, err
	case err != nil:
		x.before = append(x.before, doctor.Of(doctor.Unreachable, err))
	default:
		x.daemon, x.named = place.Client(), place.Named
		x.Config.DataDir = place.DataDir
		if !x.named && place.URL != x.Config.LocalURL() {
			x.RuntimeFile = client.RuntimeFileOf(client.RuntimeDir(a.getenv), place.URL)
		}
	}
	if x.Config.DataDir, err = filepath.Abs(x.Config.DataDir); err != nil {
		return x, charm.Errorf(charm.CodeDataUnusable, "the data directory has no path: %w", err)
	}
	return x, nil
}

// look asks the daemon, and looks itself when there is none; running says that a
// daemon has the data directory.
func (x *examination) look(ctx context.Context) (found []doctor.Problem, running bool, err error) {
	found = x.before
	if x.daemon == nil {
		return append(found, x.Files()...), true, nil
	}
	seen, err := x.ask(ctx)
	if x.named && err != nil {
		return nil, false, err
	}
	_, locked := sqlite.Locked(x.Config.DataDir)
	switch {
	case err == nil:
		for _, p := range seen.Problems {
			found = append(found, doctor.Problem{Code: doctor.Code(p.Code), What: p.What, Fix: p.Fix})
		}
		return found, true, nil
	case charm.CodeOf(err) == charm.CodeUnauthorized:
		return append(append(found, doctor.Of(doctor.Token, err)), x.Files()...), true, nil
	case locked:
		return append(append(found, doctor.Of(doctor.Unreachable, err)), x.Files()...), true, nil
	}
	return append(found, x.Stopped(ctx)...), false, nil
}

// awake is how long a daemon may take to say that it is there: one that hangs is
// not asked to look at itself.
const awake = 10 * time.Second

func (x *examination) ask(ctx context.Context) (api.Diagnosis, error) {
	soon, cancel := context.WithTimeout(ctx, awake)
	defer cancel()
	if _, err := x.daemon.Status(soon); err != nil {
		return api.Diagnosis{}, err
	}
	return x.daemon.Doctor(ctx)
}

func (a *app) doctor(ctx context.Context, x examination, repair bool) error {
	found, running, err := x.look(ctx)
	if err != nil {
		return err
	}
	d := api.Diagnosis{Problems: []api.Finding{}}
	if repair && len(found) > 0 {
		if d.Repaired, err = x.repair(ctx, found, running); err != nil {
			a.warn("charmd: %s", observe.Line("repairing: "+err.Error()))
		}
		if found, _, err = x.look(ctx); err != nil {
			return err
		}
	}
	for _, p := range found {
		d.Problems = append(d.Problems, api.Finding{Code: string(p.Code), What: p.What, Fix: p.Fix})
	}
	if err := a.result(d, func() { a.printDiagnosis(d) }); err != nil || len(found) == 0 {
		return err
	}
	return charm.Errorf(charm.CodeUnwell, "%s found", explain.Count(len(found), "problem"))
}

func (x *examination) repair(ctx context.Context, found []doctor.Problem, running bool) (done []string, err error) {
	if x.named {
		return nil, charm.Errorf(charm.CodeUsage, "CHARMD_URL names a daemon, and only what is on this machine can be repaired")
	}
	done, err = x.RepairFiles(found)
	if running {
		return done, err
	}
	more, stopped := x.RepairDatabase(ctx, found)
	return append(done, more...), errors.Join(err, stopped)
}

func (a *app) printDiagnosis(d api.Diagnosis) {
	for _, line := range d.Repaired {
		a.print("repaired: %s", observe.Line(line))
	}
	for _, p := range d.Problems {
		a.print("%s. Fix: %s", observe.Line(p.What), observe.Line(p.Fix))
	}
}
