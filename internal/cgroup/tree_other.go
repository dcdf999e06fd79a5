//go:build !linux

package cgroup

import "syscall"

// Tree is never made on this system.
type Tree struct{}

// Open says that there is nothing to divide.
func Open() (*Tree, error) { return nil, Reason("only on Linux") }

// Leaf is never called on this system.
func (*Tree) Leaf(Limits) (*Leaf, error) { return nil, Reason("only on Linux") }

// Leaf is the cgroup of one worker: none.
type Leaf struct{}

// Hold does nothing.
func (*Leaf) Hold(*syscall.SysProcAttr) {}

// Killed is always false.
func (*Leaf) Killed() bool { return false }

// Remove does nothing.
func (*Leaf) Remove() {}
