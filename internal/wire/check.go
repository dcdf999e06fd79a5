package wire

import (
	"errors"
	"fmt"

	"charmd/internal/charm"
)

// Limits of lists and names inside heads; the head as a whole is limited too.
const (
	maxHeaders      = 1000
	maxMethodBytes  = 64
	maxURLBytes     = 64 << 10
	maxAccountBytes = 64
	maxFailures     = 1000
)

// check tells what is not acceptable in a message, on its way out as on its way
// in.
func check(m Message) error {
	switch m := m.(type) {
	case *Task:
		return m.check()
	case *Hello:
		if m.Version != Version {
			return fmt.Errorf("speaks version %d, not %d", m.Version, Version)
		}
	case *Need:
		if len(m.IDs) > MaxIDs {
			return fmt.Errorf("names %d documents; at most %d are allowed", len(m.IDs), MaxIDs)
		}
		return checkIDs(m.IDs, 1)
	case *NeedCode:
		return checkIDs([]string{m.Recipe}, 1)
	case *Fetch:
		return m.check()
	case *Log:
		for _, l := range m.Lines {
			if !IsLevel(l.Level) {
				return fmt.Errorf("log level %q", l.Level)
			}
		}
	case *Result:
		return m.check()
	case *Compiled:
		if len(m.Errors) > MaxErrors {
			return fmt.Errorf("%d errors; at most %d are allowed", len(m.Errors), MaxErrors)
		}
	}
	return nil
}

// IsLevel reports whether s is a level of LogLine.
func IsLevel(s string) bool {
	switch s {
	case "log", "info", "debug", "warn", "error":
		return true
	}
	return false
}

func (m *Task) check() error {
	switch {
	case m.Run == "" || m.Charm == "" || m.Recipe == "":
		return errors.New("names no run, charm or recipe")
	case m.Mode != ModeCast && m.Mode != ModeEvent:
		return fmt.Errorf("mode %q", m.Mode)
	case m.Timeout <= 0 || m.Timeout > charm.MaxTimeout:
		return fmt.Errorf("timeout of %v", m.Timeout)
	case len(m.Memo) > MaxMemoBytes:
		return fmt.Errorf("memo of %d bytes; at most %d are allowed", len(m.Memo), MaxMemoBytes)
	case len(m.Stale) > MaxStale:
		return fmt.Errorf("%d stale documents; at most %d are allowed", len(m.Stale), MaxStale)
	}
	return checkIDs(m.Stale, 0)
}

func (m *Fetch) check() error {
	switch m.Redirect {
	case "", "follow", "manual", "error":
	default:
		return fmt.Errorf("redirect %q", m.Redirect)
	}
	switch {
	case m.Op == 0:
		return errors.New("has no number")
	case m.Method == "" || len(m.Method) > maxMethodBytes:
		return errors.New("bad method")
	case m.URL == "" || len(m.URL) > maxURLBytes:
		return errors.New("bad URL")
	case len(m.Account) > maxAccountBytes:
		return errors.New("bad connection")
	case len(m.Headers) > maxHeaders:
		return fmt.Errorf("%d headers; at most %d are allowed", len(m.Headers), maxHeaders)
	}
	return nil
}

func (m *Result) check() error {
	switch m.Ended {
	case Finished, NeverSettles, OutOfMemory, LoadFailed, EndedEarly:
	default:
		return fmt.Errorf("ended %q", m.Ended)
	}
	switch {
	case m.Run == "":
		return errors.New("names no run")
	case (m.Load != nil) != (m.Ended == LoadFailed):
		return errors.New("a load failure goes with its ending, and only with it")
	case (m.Reason != nil) != (m.Ended == EndedEarly):
		return errors.New("a reason goes with an early ending, and only with it")
	case len(m.Changed) > 0 && m.Ended != Finished:
		return errors.New("changes of a run that did not finish")
	case len(m.Rejections) > maxFailures || len(m.Report.Failures) > maxFailures:
		return fmt.Errorf("more than %d failures", maxFailures)
	case len(m.Report.Memo) > MaxMemoBytes:
		return fmt.Errorf("memo of %d bytes; at most %d are allowed", len(m.Report.Memo), MaxMemoBytes)
	case m.CPU < 0 || m.PeakBytes < 0:
		return errors.New("negative costs")
	}
	return checkIDs(m.Read, 0)
}

// checkIDs judges a list of at least min ids.
func checkIDs(ids []string, min int) error {
	if len(ids) < min {
		return errors.New("names nothing")
	}
	for _, id := range ids {
		if id == "" || len(id) > MaxIDBytes {
			return errors.New("bad id")
		}
	}
	return nil
}
