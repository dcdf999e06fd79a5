// Package doctor finds out whether charmd itself is well: its data directory,
// database, invariants, keys, disk, clock, workers and their walls. It exists
// because these go wrong in ways that nobody sees until a start fails or charms
// stand still, and because a stopped service and a running one are to be judged
// by the same checks. It never speaks of charms that fail, which charmd why does.
package doctor

import (
	"context"
	"errors"
	"time"

	"charmd/internal/charm"
	"charmd/internal/config"
	"charmd/internal/disk"
	"charmd/internal/identity"
)

// Code names a kind of problem for programs.
type Code string

// The codes.
const (
	Directory   Code = "data_directory" // not there, not ours, or others may write to it
	FileMode    Code = "file_mode"      // others may read a key, the token or the database
	KeyMissing  Code = "key_missing"
	KeyInvalid  Code = "key_invalid"
	KeyForeign  Code = "key_foreign" // not the one that the spaces were made with
	Token       Code = "token"
	Disk        Code = "disk_full"
	LogSize     Code = "log_size" // of the database, which grows without end
	RuntimeFile Code = "runtime_file"
	Address     Code = "address"
	Certificate Code = "certificate" // for TLS: it cannot be used, or ends soon
	Database    Code = "database"    // cannot be opened
	Damage      Code = "database_damaged"
	Strays      Code = "stray_rows"
	Invariant   Code = "invariant"
	Clock       Code = "clock"
	TimeZone    Code = "time_zone"
	Worker      Code = "worker"
	Sandbox     Code = "sandbox"
	Leftover    Code = "leftover_worker"
	NotReady    Code = "not_ready"
	Unreachable Code = "unreachable" // a daemon that runs and cannot be asked
)

// Problem is one thing that is wrong.
type Problem struct {
	Code Code
	What string // one line
	Fix  string // what to do, one line
}

// repairFix is the fix of what RepairDatabase mends, once charmd does not run.
const repairFix = "charmd doctor --repair, which keeps a copy of the database"

// Of makes a problem of an error that people may see.
func Of(code Code, err error) Problem {
	p := Problem{Code: code, What: err.Error(), Fix: "the log of charmd says more"}
	if e, ok := errors.AsType[*charm.Error](err); ok {
		p.What = e.Message
		if e.Hint != "" {
			p.Fix = e.Hint
		}
	}
	return p
}

// Patient is what is looked at.
type Patient struct {
	Config      config.Config
	RuntimeFile string // that names a daemon which does not answer; "" for none
	Now         func() time.Time

	operator *identity.Key // once its check has read it
	lack     *disk.Lack    // of a running service, which has measured it; else nil
}

// files are the checks that need nothing but the file system.
var files = []func(*Patient) []Problem{directory, modes, operatorKey, token, room, logSize}

// Files looks at the data directory alone.
func (p *Patient) Files() []Problem {
	if found := p.missing(); found != nil {
		return found
	}
	var found []Problem
	for _, check := range files {
		found = append(found, check(p)...)
	}
	return found
}

// stopped are the checks of a service that is not running, beside its files.
var stopped = []func(context.Context, *Patient) []Problem{runtimeFile, address, tlsFiles, database, ownWorker, leftovers}

// Stopped looks at a service that is not running, and changes nothing of it.
func (p *Patient) Stopped(ctx context.Context) []Problem {
	if found := p.missing(); found != nil {
		return found
	}
	found := p.Files()
	for _, check := range stopped {
		found = append(found, check(ctx, p)...)
	}
	return found
}
