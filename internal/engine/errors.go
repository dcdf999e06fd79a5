package engine

import (
	"strings"
	"unicode/utf8"

	lib "modernc.org/libquickjs"
)

// Error is a script exception. Something thrown that is no Error has Name "" and as Message
// String(value), for objects their JSON. Stack has one frame a line, "    at name (file:line:col)",
// innermost first, lines and columns from 1, without the message; after an await it reaches back
// only to that await. Each text is at most 64 KiB, a stack at most 100 frames.
type Error struct{ Name, Message, Stack string }

func (e *Error) Error() string {
	switch {
	case e.Name == "":
		return e.Message
	case e.Message == "":
		return e.Name
	}
	return e.Name + ": " + e.Message
}

const (
	maxErrorText = 64 << 10
	maxFrames    = 100 // endless recursion leaves thousands
	unshowable   = "a value that cannot be shown"
)

// caught takes the pending exception and describes it.
func (vm *VM) caught() *Error {
	v := vm.takeException()
	defer vm.free(v)
	return vm.describe(v)
}

// describe reads a thrown value. It may run script code (getters, toJSON): what that throws is dropped.
func (vm *VM) describe(v value) *Error {
	if lib.XJS_IsError(vm.tls, vm.arena.head.context, v) != 0 {
		atoms := vm.arena.head.atoms
		return &Error{
			Name:    vm.textOf(v, atoms[atomName]),
			Message: vm.textOf(v, atoms[atomMessage]),
			Stack:   clipStack(vm.textOf(v, atoms[atomStack])),
		}
	}
	return &Error{Message: clip(vm.show(v))}
}

// textOf is v[property] as text, "" when there is none.
func (vm *VM) textOf(v value, property lib.TJSAtom) string {
	p := vm.getAtom(v, property)
	defer vm.free(p)
	if tag(p) == lib.EJS_TAG_UNDEFINED {
		return ""
	}
	s, ok := vm.text(p)
	if !ok {
		vm.free(vm.takeException())
	}
	return clip(s)
}

// show is a thrown value that is no Error as text.
func (vm *VM) show(v value) string {
	context := vm.arena.head.context
	shown := v
	switch tag(v) {
	case lib.EJS_TAG_OBJECT:
		shown = lib.XJS_JSONStringify(vm.tls, context, v, undefined, undefined)
	case lib.EJS_TAG_SYMBOL:
		shown = lib.XJS_Invoke(vm.tls, context, v, vm.arena.head.atoms[atomToString], 0, 0)
	}
	if isException(shown) {
		vm.free(vm.takeException())
		shown = undefined
	}
	if shown != v {
		defer vm.free(shown)
		if tag(shown) == lib.EJS_TAG_UNDEFINED { // a function, a circular object
			shown = v
		}
	}
	s, ok := vm.text(shown)
	if !ok {
		vm.free(vm.takeException())
		return unshowable
	}
	return s
}

// clip cuts an over-long text at a character boundary.
func clip(s string) string {
	if len(s) <= maxErrorText {
		return s
	}
	cut := maxErrorText - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strings.Clone(s[:cut]) + "…"
}

// clipStack keeps the innermost frames of a stack.
func clipStack(s string) string {
	end := 0
	for range maxFrames {
		i := strings.IndexByte(s[end:], '\n')
		if i < 0 {
			return s
		}
		end += i + 1
	}
	if end == len(s) {
		return s
	}
	return s[:end] + "    …\n"
}
