package engine

import (
	"bytes"
	"errors"

	lib "modernc.org/libquickjs"
)

// Image is the state of a VM at rest. It belongs to the VM that froze it; several images of one
// VM may be kept and restored in any order. It holds code: an image is as trusted as the scripts
// that ran before it was taken.
type Image struct {
	vm      *VM
	heap    []byte  // arena mode
	steps   []step  // rebuild mode: what led here,
	replies []reply // and what host functions answered on the way
	size    int
}

// Size is the number of bytes of the frozen heap.
func (img *Image) Size() int { return img.size }

// restingRounds bounds how often finalisers may make new work while a VM is brought to rest.
const restingRounds = 16

var (
	errNotAtRest = errors.New("engine: freezing a VM with pending jobs; call Pump first")
	errRestless  = errors.New("engine: freezing a VM whose finalisers never come to rest")
	errForeign   = errors.New("engine: restoring an image of another VM")
)

// Freeze takes an image. The VM must be at rest: no pending job. Rejections seen so far are
// forgotten; ask for them before.
func (vm *VM) Freeze() (*Image, error) {
	if err := vm.step(vm.settle); err != nil {
		return nil, err
	}
	img := &Image{vm: vm, size: len(vm.arena.used())}
	if vm.rebuild != nil {
		img.steps, img.replies = vm.rebuild.soFar()
	} else {
		img.heap = bytes.Clone(vm.arena.used())
	}
	return img, nil
}

// settle drops garbage, so that images hold none and the next collection is far away.
func (vm *VM) settle() error {
	if vm.Pending() {
		return errNotAtRest
	}
	vm.rejected.forget(vm)
	runtime := vm.arena.head.runtime
	quiet := 0
	for range restingRounds {
		lib.XJS_RunGC(vm.tls, runtime)
		if vm.Pending() { // finalisers
			vm.drain()
			quiet = 0
			continue
		}
		if quiet++; quiet < 2 { // weak references into a cycle go one collection after the cycle
			continue
		}
		live := deref[lib.TJSRuntime](runtime).Fmalloc_ctx.Fmalloc_state.Fmalloc_size
		lib.XJS_SetGCThreshold(vm.tls, runtime, live+min(gcHeadroom, lib.Tsize_t(vm.limit/4)))
		vm.arena.clearTail()
		return nil
	}
	return errRestless
}

// Restore puts the VM back into the state of img: the same bytes, whatever happened since, also
// after the run was ended or stopped. It clears Stop. In rebuild mode it makes a new VM and
// replays what led to the image, and a Stop meanwhile makes it return ErrStopped.
func (vm *VM) Restore(img *Image) error {
	switch {
	case vm.closed:
		return errClosed
	case vm.running:
		return errBusy
	case img == nil || img.vm != vm:
		return errForeign
	}
	vm.stopped.Store(false)
	vm.ended, vm.refused = nil, false
	vm.rejected = rejections{}
	vm.stage.trim(vm.tls)
	if vm.rebuild != nil {
		return vm.replay(img)
	}
	vm.arena.restore(img.heap)
	return nil
}

// HeapHash is the SHA-256 of the arena's used part; directly after Restore, of the image.
func (vm *VM) HeapHash() [32]byte {
	if vm.closed {
		return [32]byte{}
	}
	return vm.arena.hash()
}
