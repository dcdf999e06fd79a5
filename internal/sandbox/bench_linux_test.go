package sandbox

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// enter is the role of a worker without work: it says that it is ready.
func enter() {
	var r Report
	if namespaces := os.Getenv(launchVariable); namespaces != "" {
		r = Enter(Limits{ArenaBytes: 64 << 20}, namespaces)
	}
	_ = json.NewEncoder(os.Stdout).Encode(r)
}

// BenchmarkSpawn is from the start of a process to its first word, behind which
// walls it may be, without the rest of a worker's start. On a machine that is busy
// with other things the quickest start and the processor time say more than the
// mean.
func BenchmarkSpawn(b *testing.B) {
	exe, err := pure()
	if err != nil {
		b.Fatal(err)
	}
	for _, walls := range []struct{ name, namespaces string }{
		{"none", ""}, {"without namespaces", "not asked for"}, {"all", Own},
	} {
		b.Run(walls.name, func(b *testing.B) {
			before, quickest := processorTime(b), time.Hour
			for b.Loop() {
				began := time.Now()
				cmd := exec.Command(exe)
				cmd.Env = []string{role + "=enter", launchVariable + "=" + walls.namespaces, "GODEBUG=containermaxprocs=0,updatemaxprocs=0"}
				cmd.SysProcAttr = Attributes(walls.namespaces == Own, Users()[0])
				out, err := cmd.StdoutPipe()
				if err != nil {
					b.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					b.Fatal(err)
				}
				var r Report
				if err := json.NewDecoder(out).Decode(&r); err != nil || walls.namespaces == Own && r.Namespaces.State != On {
					b.Fatal(err, r)
				}
				quickest = min(quickest, time.Since(began))
				b.StopTimer()
				_ = cmd.Wait()
				b.StartTimer()
			}
			b.ReportMetric(float64(quickest.Microseconds()), "quickest-us")
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-us/op")
		})
	}
}

// processorTime is what this process and those it waited for have used.
func processorTime(b *testing.B) (sum time.Duration) {
	b.Helper()
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}
