package pool

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"syscall"

	"charmd/internal/cgroup"
	"charmd/internal/sandbox"
)

// spawner starts processes from one thread that lives as long as they may: the
// kernel kills a worker when the thread that started it ends.
type spawner struct {
	work    chan func()
	users   []int  // that workers may be outside of namespaces of their own, the best first
	refusal string // why the last worker without them had no namespaces

	cgroups *cgroup.Tree  // nil when workers get none of their own
	without sandbox.Layer // what is then said of it
	share   cgroup.Limits
}

func newSpawner(o Options) *spawner {
	limits := sandbox.Limits{ArenaBytes: o.ArenaBytes}
	s := &spawner{
		work: make(chan func()), users: sandbox.Users(), refusal: "there are none on this system",
		cgroups: o.Cgroups, without: sandbox.Layer{State: sandbox.Off, Reason: "not asked for"},
		share: cgroup.Limits{MemoryBytes: limits.AllBytes(), Threads: sandbox.MaxThreads},
	}
	if o.NoCgroups != "" {
		s.without = sandbox.Layer{State: sandbox.Unavailable, Reason: o.NoCgroups}
	}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		loosen(slack)
		defer loosen(0) // the kernel's default
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
		proc, err = s.start(exe, args, env)
	}
	<-done
	return proc, err
}

// start starts a process in a cgroup of its own where there is one to be had. Some
// machines do not let it begin there: the next ones do without.
func (s *spawner) start(exe string, args, env []string) (*process, error) {
	if s.cgroups == nil {
		return s.startIn(nil, s.without, exe, args, env)
	}
	leaf, err := s.cgroups.Leaf(s.share)
	if err == nil {
		var proc *process
		if proc, err = s.startIn(leaf, sandbox.Layer{State: sandbox.On}, exe, args, env); err == nil {
			return proc, nil
		}
		leaf.Remove()
	}
	none := sandbox.Layer{State: sandbox.Unavailable, Reason: "a worker cannot begin in one: " + cause(err)}
	proc, err := s.startIn(nil, none, exe, args, env)
	if err == nil { // so it was the cgroup
		s.cgroups, s.without = nil, none
	}
	return proc, err
}

// startIn starts a process in namespaces of its own, or without on a machine that
// gives it none: in a container, say. What stands of the walls then is in the
// worker's report. leaf is its cgroup, nil leaves it in the service's; stands is what
// is said of that.
func (s *spawner) startIn(leaf *cgroup.Leaf, stands sandbox.Layer, exe string, args, env []string) (*process, error) {
	start := func(namespaces string, user int) (*process, error) {
		told := append(slices.Clip(args), "-namespaces="+namespaces)
		attributes := sandbox.Attributes(namespaces == sandbox.Own, user)
		if leaf != nil {
			leaf.Hold(attributes)
		}
		proc, err := startProcess(exe, told, env, attributes)
		if err != nil {
			return nil, err
		}
		proc.leaf, proc.cgroup = leaf, stands
		return proc, nil
	}
	refusal, never := s.refusal, []int{}
	for _, user := range s.users {
		proc, err := start(sandbox.Own, user)
		refused, lasting := sandbox.Refused(err)
		if !refused {
			s.forget(never)
			return proc, err
		}
		refusal = "this machine does not allow them: " + cause(err)
		if lasting {
			never = append(never, user)
		}
	}
	proc, err := start(refusal, 0)
	if err == nil {
		s.forget(never)
		s.refusal = refusal
	}
	return proc, err
}

// forget takes users off that were refused for good, once a start in another way
// has shown that it was them: that will not change while the service runs.
func (s *spawner) forget(never []int) {
	s.users = slices.DeleteFunc(s.users, func(user int) bool { return slices.Contains(never, user) })
}

// cause is an error without the path that it is about.
func cause(err error) string {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err
	}
	return err.Error()
}

// process is a started process and our ends of its pipes.
type process struct {
	os     *os.Process
	tasks  *os.File // written by us
	frames *os.File // read by us
	errors *os.File // read by us
	leaf   *cgroup.Leaf
	cgroup sandbox.Layer // whether it has one, or why not
}

func (p *process) pid() int { return p.os.Pid }

func startProcess(exe string, args, env []string, attributes *syscall.SysProcAttr) (_ *process, err error) {
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
		Dir: "/", Env: env, Files: []*os.File{stdin, stdout, stderr}, Sys: attributes,
	})
	closeAll(stdin, stdout, stderr)
	if err != nil {
		closeAll(tasks, frames, errs)
		return nil, err
	}
	return &process{os: proc, tasks: tasks, frames: frames, errors: errs}, nil
}
