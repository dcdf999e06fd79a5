//go:build linux

package worker_test

import (
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"charmd/internal/pool"
	"charmd/internal/wire"
)

// BenchmarkRun is one run of a counter, from the task to the result, without a
// store: the pipe, both ends of it, and the VM.
func BenchmarkRun(b *testing.B) {
	s := newService(b, pool.Options{Workers: 1})
	s.cast(counter(""))
	s.tick()
	var inside time.Duration
	pid := s.pool.Status()[0].PID
	before, worker := cpu(b), cpuOf(b, pid)
	for b.Loop() {
		r, exit := s.run(wire.ModeEvent, 20*time.Second)
		if exit.Kind != pool.Done || len(r.Changed) != 1 {
			b.Fatalf("%+v %+v", exit, r)
		}
		inside += r.CPU
	}
	b.ReportMetric(float64(inside.Microseconds())/float64(b.N), "vm-cpu-us/op")
	b.ReportMetric(float64((cpuOf(b, pid)-worker).Microseconds())/float64(b.N), "worker-cpu-us/op")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "service-cpu-us/op")
}

// BenchmarkStart is from a pool without processes to the end of its first run.
func BenchmarkStart(b *testing.B) {
	s := newService(b, pool.Options{Workers: 1})
	s.cast(counter(""))
	for b.Loop() {
		fresh := newService(b, pool.Options{Workers: 1})
		fresh.program, fresh.recipe, fresh.docs = s.program, s.recipe, s.docs
		if _, exit := fresh.run(wire.ModeEvent, 20*time.Second); exit.Kind != pool.Done {
			b.Fatal(exit)
		}
	}
}

// cpuOf is what a process has used so far, all of its threads.
func cpuOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil { // the clock of a process, as clock_getcpuclockid makes it
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

// cpu is what this process has used so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
