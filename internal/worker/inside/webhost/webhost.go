// Package webhost holds the Go halves of the web functions that recipes find in
// their global scope: URL and URLSearchParams, TextDecoder and TextEncoder, atob
// and btoa, DOMParser and its selectors. Done by script inside the VM most would
// be many times slower.
//
// The functions are pure and take whatever a script gives them. Text comes from
// the VM as WTF-8: UTF-8 in which a surrogate without its partner stands as
// three bytes of its own.
package webhost

// Exception is what a script sees thrown.
type Exception struct {
	Name    string // the class or DOMException name: "TypeError", "InvalidCharacterError"
	Message string
}

// Error is "Name: Message".
func (e *Exception) Error() string { return e.Name + ": " + e.Message }
