package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"charmd/internal/charm"
	"charmd/internal/recipe"
	"charmd/internal/sandbox"
	"charmd/internal/wire"
	"charmd/internal/worker/inside"
)

// session is the worker's end of the pipe. A goroutine of its own reads it all
// the time, so that the parent never blocks; the other one does the tasks.
type session struct {
	in  *wire.Reader
	out *wire.Writer

	tasks     chan wire.Message // *wire.Task or *wire.CompileRequest
	documents chan *wire.Documents
	code      chan *wire.Code
	replies   chan *wire.Reply
	need      uint64 // number of the task's last question for documents
}

func newSession(in, out *os.File) *session {
	return &session{
		in: wire.NewReader(in, wire.Parent), out: wire.NewWriter(out),
		tasks: make(chan wire.Message, 1), documents: make(chan *wire.Documents, 1), code: make(chan *wire.Code, 1),
		replies: make(chan *wire.Reply, 2*charm.MaxRequestsPerRun),
	}
}

// serve does tasks until the pipe ends.
func (s *session) serve(m *inside.Machine, walls sandbox.Report) {
	report, _ := json.Marshal(walls) // strings always marshal
	s.send(&wire.Hello{Version: wire.Version, PID: os.Getpid(), Sandbox: report})
	go s.read()
	for task := range s.tasks {
		switch task := task.(type) {
		case *wire.Task:
			s.need = 0
			s.result(m.Run(task))
		case *wire.CompileRequest:
			s.compiled(recipe.Compile(*task))
		}
	}
}

// read takes everything the parent sends. Without the parent there is nothing
// left to do.
func (s *session) read() {
	for {
		m, err := s.in.Next()
		if errors.Is(err, io.EOF) {
			os.Exit(0)
		}
		if err != nil {
			die(err)
		}
		switch m := m.(type) {
		case *wire.Documents:
			s.documents <- m
		case *wire.Code:
			s.code <- m
		case *wire.Reply:
			s.replies <- m
		default:
			s.tasks <- m
		}
	}
}

func (s *session) send(m wire.Message) {
	if err := s.out.Send(m); err != nil {
		die(err)
	}
}

// result sends what a run came to. One that does not fit is a run that failed.
func (s *session) result(r *wire.Result) {
	err := s.out.Send(r)
	if wire.IsViolation(err) {
		err = s.out.Send(&wire.Result{
			Run: r.Run, Ended: wire.EndedEarly, Reason: &wire.Failure{Kind: wire.ReasonLimit, Message: err.Error()},
			CPU: r.CPU, PeakBytes: r.PeakBytes,
		})
	}
	if err != nil {
		die(err)
	}
}

func (s *session) compiled(c wire.Compiled) {
	err := s.out.Send(&c)
	if wire.IsViolation(err) {
		err = s.out.Send(&wire.Compiled{Compiler: c.Compiler, Errors: []wire.CompileError{{Text: err.Error()}}})
	}
	if err != nil {
		die(err)
	}
}

// Documents asks the parent and waits.
func (s *session) Documents(ids []string) ([]wire.Document, error) {
	s.need++
	s.send(&wire.Need{Seq: s.need, IDs: ids})
	answer := <-s.documents
	switch {
	case answer.Seq != s.need:
		return nil, fmt.Errorf("answer %d to question %d", answer.Seq, s.need)
	case answer.Error != "":
		return nil, errors.New(answer.Error)
	}
	return answer.Documents, nil
}

// Program asks the parent and waits.
func (s *session) Program(id string) (string, error) {
	s.send(&wire.NeedCode{Recipe: id})
	answer := <-s.code
	switch {
	case answer.Recipe != id:
		return "", fmt.Errorf("program of %s instead of %s", answer.Recipe, id)
	case answer.Error != "":
		return "", errors.New(answer.Error)
	}
	return answer.Program, nil
}

// Fetch sends a request; an error says that it may not be made.
func (s *session) Fetch(f *wire.Fetch) error {
	err := s.out.Send(f)
	if err != nil && !wire.IsViolation(err) {
		die(err)
	}
	return err
}

// Cancel sends that a reply is not needed.
func (s *session) Cancel(op uint64) { s.send(&wire.Cancel{Op: op}) }

// Replies are those that have arrived.
func (s *session) Replies() <-chan *wire.Reply { return s.replies }

// Log sends console lines.
func (s *session) Log(lines []wire.LogLine) { s.send(&wire.Log{Lines: lines}) }
