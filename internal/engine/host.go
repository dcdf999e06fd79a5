package engine

import (
	"errors"
	"math"
	"slices"

	lib "modernc.org/libquickjs"
)

// HostFunc is a Go function that scripts call as __host.<Name>(…). A panic out of Fn passes
// through the VM. Fn must not call back into the VM, and must hold no lock without a deferred
// unlock while it uses its Call: any of the Call's methods may end the run by a panic.
type HostFunc struct {
	Name string
	Fn   func(c *Call)
}

// Call is one call of a host function: its arguments and its result, which is undefined unless
// set. It is of no use after Fn has returned.
type Call struct {
	vm     *VM
	args   []value
	reply  reply
	thrown *value // what converting an argument threw
}

// abandoned is the panic that leaves Fn when an argument's conversion threw.
type abandoned struct{ c *Call }

// reply is what a host function answered.
type reply struct {
	kind   replyKind
	text   string // also the message of an exception
	class  string // of an exception
	bytes  []byte
	number float64
}

type replyKind int

const (
	replyUndefined replyKind = iota
	replyString
	replyBytes
	replyNumber
	replyBool
	replyThrow
	replyAskAgain // none was recorded: converting an argument threw
)

var errEndedByHost = errors.New("engine: a host function ended the run")

// Len is the number of arguments.
func (c *Call) Len() int { return len(c.args) }

// IsUndefined tells whether argument i is undefined or missing.
func (c *Call) IsUndefined(i int) bool { return tag(c.arg(i)) == lib.EJS_TAG_UNDEFINED }

// String is argument i converted as by String(x), as WTF-8; "" when it is missing. A conversion
// that throws (a symbol, a hostile object) leaves Fn by a panic, and the call throws the same.
func (c *Call) String(i int) string {
	if i >= len(c.args) {
		return ""
	}
	s, ok := c.vm.text(c.args[i])
	if !ok {
		c.abandon()
	}
	return s
}

// Number is argument i converted as by Number(x); NaN when it is missing. A conversion that
// throws leaves Fn by a panic, and the call throws the same.
func (c *Call) Number(i int) float64 {
	if i >= len(c.args) {
		return math.NaN()
	}
	f, ok := c.vm.number(c.args[i])
	if !ok {
		c.abandon()
	}
	return f
}

// Bytes is a copy of argument i, an ArrayBuffer or typed array; nil for anything else.
func (c *Call) Bytes(i int) []byte { return c.vm.bytes(c.arg(i)) }

// ReturnString sets the result; s is WTF-8.
func (c *Call) ReturnString(s string) { c.reply = reply{kind: replyString, text: s} }

// ReturnBytes sets the result to a Uint8Array. b must not change before Fn returns.
func (c *Call) ReturnBytes(b []byte) { c.reply = reply{kind: replyBytes, bytes: b} }

// ReturnNumber sets the result.
func (c *Call) ReturnNumber(f float64) { c.reply = reply{kind: replyNumber, number: f} }

// ReturnBool sets the result.
func (c *Call) ReturnBool(b bool) {
	c.reply = reply{kind: replyBool}
	if b {
		c.reply.number = 1
	}
}

// Throw makes the call throw an exception of the class name (Error, TypeError, …); a name that is
// no class of the language gives an Error with that name.
func (c *Call) Throw(name, message string) {
	c.reply = reply{kind: replyThrow, class: name, text: message}
}

// End ends the run at once: it does not return, no script code runs any more, and the entry into
// the VM returns reason.
func (c *Call) End(reason error) {
	if reason == nil {
		reason = errEndedByHost
	}
	c.vm.finish(reason)
}

func (c *Call) arg(i int) value {
	if i >= len(c.args) {
		return undefined
	}
	return c.args[i]
}

func (c *Call) abandon() {
	v := c.vm.takeException()
	c.thrown = &v
	panic(abandoned{c})
}

// run calls Fn, which may be left by abandon; other panics pass.
func (c *Call) run(fn func(*Call)) {
	defer func() {
		if c.thrown == nil || c.vm.ended != nil {
			return
		}
		if p := recover(); p != nil && p != any(abandoned{c}) {
			panic(p)
		}
	}()
	fn(c)
}

// callHost runs host function i for a script and makes its result.
func (vm *VM) callHost(i int, args []value) value {
	answer, answered := vm.rebuild.answer()
	if answered {
		return vm.newReply(answer)
	}
	place := vm.rebuild.ask()
	c := &Call{vm: vm, args: args}
	c.run(vm.host[i].Fn)
	if vm.ended != nil { // Fn recovered the panic that ends the run
		panic(endOfRun{vm})
	}
	if c.thrown != nil {
		return lib.XJS_Throw(vm.tls, vm.arena.head.context, *c.thrown)
	}
	vm.rebuild.answered(place, c.reply)
	return vm.newReply(c.reply)
}

func (vm *VM) newReply(r reply) value {
	switch r.kind {
	case replyString:
		return vm.newString(r.text)
	case replyBytes:
		return vm.newBytes(r.bytes)
	case replyNumber:
		return newNumber(r.number)
	case replyBool:
		return newBool(r.number != 0)
	case replyThrow:
		return vm.throw(r.class, r.text)
	}
	return undefined
}

// throw makes the pending exception of the named class and returns the exception mark.
func (vm *VM) throw(class, message string) value {
	h := vm.arena.head
	i := slices.Index(errorNames[:], class)
	own := i < 0
	if own {
		i = 0
	}
	argv := vm.tls.Alloc(valueBytes)
	defer vm.tls.Free(valueBytes)
	text := vm.newString(message)
	if isException(text) {
		return text
	}
	defer vm.free(text)
	*deref[value](argv) = text
	thrown := lib.XJS_CallConstructor(vm.tls, h.context, h.errors[i], 1, argv)
	if isException(thrown) {
		return thrown
	}
	if own {
		lib.XJS_DefinePropertyValue(vm.tls, h.context, thrown, h.atoms[atomName], vm.newString(class), lib.MJS_PROP_CONFIGURABLE|lib.MJS_PROP_WRITABLE)
	}
	return lib.XJS_Throw(vm.tls, h.context, thrown)
}
