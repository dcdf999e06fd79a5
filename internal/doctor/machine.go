package doctor

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"charmd/internal/certificate"
	"charmd/internal/pool"
	"charmd/internal/sandbox"
	"charmd/internal/toolshed"
	"charmd/internal/wire"
)

// runtimeFile: a daemon that died without taking it away, whose number another
// process has now.
func runtimeFile(_ context.Context, p *Patient) []Problem {
	if p.RuntimeFile == "" {
		return nil
	}
	if _, err := os.Stat(p.RuntimeFile); err != nil {
		return nil
	}
	return []Problem{{RuntimeFile, p.RuntimeFile + " names a charmd that does not answer", "rm " + p.RuntimeFile + ", or: charmd doctor --repair"}}
}

// address: where the next start would listen.
func address(_ context.Context, p *Patient) []Problem {
	if _, port, err := net.SplitHostPort(p.Config.Listen); err != nil || port == "0" {
		return nil
	}
	l, err := toolshed.Listen(p.Config.Listen)
	if err != nil {
		return []Problem{Of(Address, err)}
	}
	_ = l.Close() // nothing was accepted
	return nil
}

// renew is the fix of a certificate.
const renew = "renew it, and put certificate and key in their places; charmd takes them within seconds"

// tlsFiles: the certificate that the next start would serve with.
func tlsFiles(_ context.Context, p *Patient) []Problem {
	if !p.Config.TLS() {
		return nil
	}
	pair, err := p.tlsPair().Read(p.Now())
	if err != nil {
		return []Problem{Of(Certificate, err)}
	}
	if text := pair.Ending(p.Now()); text != "" {
		return []Problem{{Certificate, text, renew}}
	}
	return nil
}

func (p *Patient) tlsPair() certificate.Files {
	return certificate.Files{Cert: p.Config.TLSCert, Key: p.Config.TLSKey}
}

// workerTime is how long a worker may take to start and to do something small.
const workerTime = 20 * time.Second

// ownWorker starts a worker process of its own.
func ownWorker(ctx context.Context, p *Patient) []Problem {
	workers, err := pool.New(pool.Options{Exe: p.Config.WorkerExe, Workers: 1})
	if err == nil {
		err = workers.Start(ctx)
	}
	if err != nil {
		return []Problem{cannotWork(err)}
	}
	found := worker(ctx, workers)
	_ = workers.Close(ctx) // it has no task that could be lost
	return found
}

// worker has a worker compile a recipe that does nothing, and looks at its walls.
func worker(ctx context.Context, workers *pool.Pool) []Problem {
	ctx, cancel := context.WithTimeout(ctx, workerTime)
	defer cancel()
	const entry = "doctor.tsx"
	compiled, err := workers.Compile(ctx, wire.CompileRequest{Entry: entry, Files: map[string]string{entry: "export default {};"}})
	switch {
	case ctx.Err() != nil && allBusy(workers):
		return walls(workers.Sandbox())
	case err == nil && len(compiled.Errors) > 0:
		err = fmt.Errorf("it compiles nothing: %s", compiled.Errors[0].Text)
	}
	if err != nil {
		return []Problem{cannotWork(err)}
	}
	return walls(workers.Sandbox())
}

func allBusy(workers *pool.Pool) bool {
	list := workers.Status()
	for _, w := range list {
		if w.Task == "" {
			return false
		}
	}
	return len(list) > 0
}

func cannotWork(err error) Problem {
	return Problem{Worker, fmt.Sprintf("no worker process can run charms: %v", err), "see that this user may start processes and has memory for them; the log of charmd says more"}
}

// walls: those that this system should have, and that do not stand. A wall that
// was not asked for is no problem.
func walls(r sandbox.Report) (found []Problem) {
	if runtime.GOOS != "linux" {
		return nil
	}
	for _, wall := range []struct {
		name  string
		layer sandbox.Layer
		fix   string
	}{
		{"namespaces", r.Namespaces, "let this user make user namespaces (a container or sysctl may forbid it)"},
		{"landlock", r.Landlock, "use a kernel with Landlock (5.13 or later, lsm=landlock)"},
		{"seccomp", r.Seccomp, "use a kernel with seccomp filters, on amd64 or arm64"},
		{"rlimits", r.Rlimits, "let this user lower its own limits"},
	} {
		if wall.layer.State == sandbox.Unavailable {
			found = append(found, Problem{Sandbox, fmt.Sprintf("workers run without the wall %s: %s", wall.name, wall.layer.Reason), wall.fix + "; the other walls stand"})
		}
	}
	return found
}

// leftoverPatience is how long a worker may outlive its service.
const leftoverPatience = 2 * time.Second

// leftovers: worker processes whose service is gone. They end by themselves
// within a second, so only one that stays is a problem.
func leftovers(ctx context.Context, _ *Patient) (found []Problem) {
	before := orphans()
	if len(before) == 0 {
		return nil
	}
	select {
	case <-time.After(leftoverPatience):
	case <-ctx.Done():
		return nil
	}
	for pid := range orphans() {
		if before[pid] {
			found = append(found, Problem{Leftover, fmt.Sprintf("the worker process %d has outlived its service", pid), fmt.Sprintf("kill -9 %d", pid)})
		}
	}
	return found
}

// isWorker reports whether a command line, its parts ended by zeros, is that of a
// worker.
func isWorker(cmdline string) bool {
	parts := strings.Split(cmdline, "\x00")
	return len(parts) > 3 && parts[0] == "charmd" && parts[1] == "worker" && parts[2] == "-arena"
}
