// Package process runs charmd as a process of its own, as tests and measurements
// need it: started on a data directory, asked over HTTP, stopped or killed. It
// exists so that what they look at is the program people run, with nothing
// reached into.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"charmd/internal/client"
)

// Options say how to start a daemon.
type Options struct {
	Command []string // the program and what comes before "start"
	Alone   bool     // the toolshed alone
	Dir     string   // data directory
	Listen  string   // "" leaves the port to the system
	Args    []string // further flags of start
	Env     []string // added to this process's environment
}

// Daemon is a running charmd.
type Daemon struct {
	URL    string
	Dir    string
	Client *client.Client
	PID    int

	process *exec.Cmd
	exited  chan struct{}
	err     error // how it exited, once exited is closed
}

// startWithin bounds how long a start is waited for.
const startWithin = 30 * time.Second

// Start starts charmd and waits until it answers.
func Start(o Options) (*Daemon, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0" // a port chosen here may be another program's by the time it listens
	}
	command := "start"
	if o.Alone {
		command = "toolshed"
	}
	args := append(append(o.Command[1:len(o.Command):len(o.Command)], command, "--listen", o.Listen, "--data-dir", o.Dir), o.Args...)
	d := &Daemon{Dir: o.Dir, process: exec.Command(o.Command[0], args...), exited: make(chan struct{})}
	d.process.Env = append(append(os.Environ(), "XDG_RUNTIME_DIR="+d.RuntimeDir()), o.Env...)
	log, err := os.OpenFile(d.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	d.process.Stdout, d.process.Stderr = log, log
	if err := d.process.Start(); err != nil {
		return nil, err
	}
	d.PID = d.process.Process.Pid
	go func() {
		d.err = d.process.Wait()
		close(d.exited)
	}()
	if err := d.awaitAnswer(); err != nil {
		d.Kill()
		return nil, fmt.Errorf("%w:\n%s", err, d.Log())
	}
	return d, nil
}

// RuntimeDir is XDG_RUNTIME_DIR to it.
func (d *Daemon) RuntimeDir() string { return filepath.Join(d.Dir, "runtime") }

func (d *Daemon) logFile() string { return filepath.Join(d.Dir, "process.log") }

// Log is what the process has printed.
func (d *Daemon) Log() string {
	text, err := os.ReadFile(d.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (d *Daemon) awaitAnswer() error {
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		// Found as commands find it: its file says where it is, and over TLS by which
		// certificate. One that was killed has left a file too.
		place, err := client.Find(client.Lookup{
			DataDir: d.Dir, DataDirGiven: true, RuntimeDir: filepath.Join(d.RuntimeDir(), "charmd"),
		})
		if err == nil && place.URL != "" && place.Token != "" {
			d.URL, d.Client = place.URL, place.Client()
			if status, err := d.Client.Status(ctx); err == nil && status.PID == d.PID {
				return nil
			}
		}
		select {
		case <-d.exited:
			return fmt.Errorf("the daemon ended at its start (%v)", d.err)
		case <-ctx.Done():
			return errors.New("the daemon did not answer")
		case <-tick.C:
		}
	}
}

// Stop ends the daemon as a person would, and waits for it. The error says how
// it exited when not with 0.
func (d *Daemon) Stop() error {
	if err := d.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-d.exited
	return d.err
}

// Kill ends the daemon at once, leaving it no time for anything.
func (d *Daemon) Kill() {
	_ = d.process.Process.Kill() // it may be gone already, which is what is wanted
	<-d.exited
}

// Signal sends the daemon a signal.
func (d *Daemon) Signal(s os.Signal) error { return d.process.Process.Signal(s) }

// Exited is closed when the process has ended.
func (d *Daemon) Exited() <-chan struct{} { return d.exited }
