package pool

import (
	"errors"
	"os"
	"runtime"

	"charmd/internal/sandbox"
)

// spawner starts processes from one thread that lives as long as they may: the
// kernel kills a worker when the thread that started it ends.
type spawner struct {
	work chan func()
}

func newSpawner() *spawner {
	s := &spawner{make(chan func())}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for f := range s.work {
			f()
		}
	}()
	return s
}

// end lets the thread go. No process that it started may be left.
func (s *spawner) end() { close(s.work) }

// launch starts a process with three pipes of ours as its descriptors.
func (s *spawner) launch(exe string, args, env []string) (proc *process, err error) {
	done := make(chan struct{})
	s.work <- func() {
		defer close(done)
		proc, err = startProcess(exe, args, env)
	}
	<-done
	return proc, err
}

// process is a started process and our ends of its pipes.
type process struct {
	os     *os.Process
	tasks  *os.File // written by us
	frames *os.File // read by us
	errors *os.File // read by us
}

func (p *process) pid() int { return p.os.Pid }

func startProcess(exe string, args, env []string) (_ *process, err error) {
	var open []*os.File
	pipe := func() (r, w *os.File) {
		var e error
		if r, w, e = os.Pipe(); e != nil {
			err = errors.Join(err, e)
			return nil, nil
		}
		open = append(open, r, w)
		return r, w
	}
	closeAll := func(files ...*os.File) {
		for _, f := range files {
			_ = f.Close()
		}
	}
	stdin, tasks := pipe()
	frames, stdout := pipe()
	errs, stderr := pipe()
	if err != nil {
		closeAll(open...)
		return nil, err
	}
	proc, err := os.StartProcess(exe, append([]string{"charmd"}, args...), &os.ProcAttr{
		Dir: "/", Env: env, Files: []*os.File{stdin, stdout, stderr}, Sys: sandbox.Attributes(),
	})
	closeAll(stdin, stdout, stderr)
	if err != nil {
		closeAll(tasks, frames, errs)
		return nil, err
	}
	return &process{proc, tasks, frames, errs}, nil
}
