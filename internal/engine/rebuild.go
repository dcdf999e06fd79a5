package engine

import (
	"bytes"
	"slices"
)

// step is one entry into the VM that a replay repeats.
type step func() error

// recorder keeps what a rebuilt VM must go through to reach the present state. Host functions are
// not asked again: a replay that logged once more, or saw another time of day, would differ from
// a copied heap.
type recorder struct {
	steps   []step
	replies []reply
	// While replaying: the answers not yet given.
	replaying bool
	answers   []reply
}

// step enters the VM and, in rebuild mode, records the entry.
func (vm *VM) step(f step) error {
	if vm.rebuild != nil && !vm.running {
		vm.rebuild.steps = append(vm.rebuild.steps, f)
	}
	return vm.enter(f)
}

// soFar is the recording up to now. It is clipped, so that runs from one image don't share its tail.
func (r *recorder) soFar() ([]step, []reply) {
	return slices.Clip(r.steps), slices.Clip(r.replies)
}

// answer is what the host function now called answered when this step was recorded; false when it
// has to be asked.
func (r *recorder) answer() (reply, bool) {
	if r == nil || !r.replaying || len(r.answers) == 0 {
		return reply{}, false
	}
	a := r.answers[0]
	r.answers = r.answers[1:]
	return a, a.kind != replyAskAgain
}

// ask keeps a place for the answer of a host function. Converting its arguments can call others,
// whose answers come first but are asked for later.
func (r *recorder) ask() (place int) {
	if r == nil || r.replaying {
		return 0
	}
	r.replies = append(r.replies, reply{kind: replyAskAgain})
	return len(r.replies) - 1
}

// answered records an answer at its place. Calls made meanwhile are forgotten: they will not be
// made again.
func (r *recorder) answered(place int, a reply) {
	if r == nil || r.replaying {
		return
	}
	a.bytes = bytes.Clone(a.bytes)
	r.replies = append(r.replies[:place], a)
}

// replay makes a new VM in the arena and repeats the steps of img. A step that threw when it was
// recorded throws again; only the end of the VM stops a replay.
func (vm *VM) replay(img *Image) error {
	vm.arena.clear()
	if err := vm.boot(); err != nil {
		return err
	}
	r := vm.rebuild
	*r = recorder{replaying: true, answers: img.replies}
	defer func() { *r = recorder{steps: img.steps, replies: img.replies} }()
	for _, f := range img.steps {
		if err := vm.enter(f); vm.ended != nil {
			return err
		}
	}
	return nil
}

// cloneBytes is args with byte slices the caller can't change any more.
func cloneBytes(args []any) []any {
	args = slices.Clone(args)
	for i, arg := range args {
		if b, ok := arg.([]byte); ok {
			args[i] = bytes.Clone(b)
		}
	}
	return args
}
