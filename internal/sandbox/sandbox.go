// Package sandbox builds the walls around a worker process and says which of
// them stand. The process is the wall around recipe code: the VM is C translated
// to Go, and a fault in it must end in a dead or powerless process.
//
// Enter is called by the worker itself, before any untrusted byte; Attributes and
// SealDescriptors are the parent's part.
package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// State is whether a layer stands.
type State string

// The states.
const (
	On          State = "on"
	Off         State = "off"         // not asked for
	Unavailable State = "unavailable" // this machine does not offer it
)

// Layer is one wall.
type Layer struct {
	State  State  `json:"state"`
	Reason string `json:"reason,omitempty"` // why it does not stand, or not fully
}

// Report is the walls of one worker: four that it raised itself, and one that was
// put around it.
type Report struct {
	Namespaces Layer `json:"namespaces"` // no network, no processes and no file system of the machine, no capabilities
	Landlock   Layer `json:"landlock"`   // no files and no TCP, enforced by the kernel per process
	Seccomp    Layer `json:"seccomp"`    // a short list of system calls
	Rlimits    Layer `json:"rlimits"`    // memory, descriptors, no files written, no core dumps
	Cgroup     Layer `json:"-"`          // a share of the machine; who started the worker knows of it
}

// Layers are the walls by their names, in the order in which people are told them.
func (r Report) Layers() []Named { return append(r.raised(), Named{"cgroup", r.Cgroup}) }

// raised are those that a worker raises itself.
func (r Report) raised() []Named {
	return []Named{{"namespaces", r.Namespaces}, {"landlock", r.Landlock}, {"seccomp", r.Seccomp}, {"rlimits", r.Rlimits}}
}

// Named is a layer and its name.
type Named struct {
	Name string
	Layer
}

// Down are the layers that do not stand of those that a worker raises itself. The
// cgroup is not among them: a machine has to give one, and few do unasked.
func (r Report) Down() []Named {
	return slices.DeleteFunc(r.raised(), func(l Named) bool { return l.State == On })
}

// Standing is the names of the layers that stand, e.g. "namespaces landlock rlimits".
func (r Report) Standing() string {
	var names []string
	for _, l := range r.Layers() {
		if l.State == On {
			names = append(names, l.Name)
		}
	}
	return strings.Join(names, " ")
}

// Limits are the sizes a worker needs.
type Limits struct {
	ArenaBytes int // of the VM
}

// Own is what Enter is told of the namespaces of a process that was started with
// those that Attributes asks for.
const Own = "own"

// The memory of a worker beside the VM's arena, in bytes. Go alone needs the
// base; the rest is for documents, replies and the compiler.
const (
	baseBytes = 150 << 20
	roomBytes = 128 << 20
)

// outsideBytes is what is counted for a worker that is not its writable memory: its
// program, page tables, pipes.
const outsideBytes = 64 << 20

// MaxThreads are several times what Go takes.
const MaxThreads = 64

// DataBytes is the limit on a worker's writable memory.
func (l Limits) DataBytes() uint64 { return uint64(l.ArenaBytes) + baseBytes + roomBytes }

// AllBytes is the limit on all memory that is a worker's.
func (l Limits) AllBytes() uint64 { return l.DataBytes() + outsideBytes }

// Parse reads a report that came from a worker.
func Parse(text []byte) (Report, error) {
	var r Report
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Report{}, fmt.Errorf("sandbox report: %w", err)
	}
	for _, l := range r.raised() {
		if l.State != On && l.State != Off && l.State != Unavailable {
			return Report{}, fmt.Errorf("sandbox report: a layer is %q", l.State)
		}
	}
	return r, nil
}
