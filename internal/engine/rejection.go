package engine

import "slices"

// maxRejections bounds what Rejections returns; a run that has more has failed anyway.
const maxRejections = 100

// rejections are the promises rejected without a handler. A handler may still be attached later,
// so they are judged only when asked for. The values are kept alive: the address of a collected
// promise could be that of the next one.
type rejections struct {
	open map[uint64]rejection // by the promise's address, or by an odd number where there is none
	seen uint64
}

type rejection struct {
	order           uint64
	promise, reason value
}

func (r *rejections) add(vm *VM, promise, reason value) {
	r.put(promise.Fu.Fuint641, rejection{promise: vm.keep(promise), reason: vm.keep(reason)})
}

// throw notes what a job threw that no promise stands for (a finaliser). It takes reason over.
func (r *rejections) throw(reason value) {
	if len(r.open) < maxRejections {
		r.put(r.seen<<1|1, rejection{promise: undefined, reason: reason})
	}
}

func (r *rejections) put(key uint64, entry rejection) {
	if r.open == nil {
		r.open = map[uint64]rejection{}
	}
	entry.order = r.seen
	r.seen++
	r.open[key] = entry
}

// handled notes that a rejected promise got a handler after all.
func (r *rejections) handled(vm *VM, promise value) {
	key := promise.Fu.Fuint641
	if entry, ok := r.open[key]; ok {
		delete(r.open, key)
		entry.free(vm)
	}
}

// forget drops all of them and the values they hold.
func (r *rejections) forget(vm *VM) {
	for _, entry := range r.open {
		entry.free(vm)
	}
	*r = rejections{}
}

func (e rejection) free(vm *VM) {
	vm.free(e.promise)
	vm.free(e.reason)
}

// Rejections are the errors of promises rejected since the last Restore that nobody handled, in
// the order of their occurrence, at most 100. Ask when no job is pending: until then a handler
// may be attached. None after the run was ended.
func (vm *VM) Rejections() []*Error {
	open := make([]rejection, 0, len(vm.rejected.open))
	for _, entry := range vm.rejected.open {
		open = append(open, entry)
	}
	slices.SortFunc(open, func(a, b rejection) int { return int(int64(a.order) - int64(b.order)) })
	var list []*Error
	err := vm.enter(func() error {
		for _, entry := range open[:min(len(open), maxRejections)] {
			list = append(list, vm.describe(entry.reason))
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return list
}
