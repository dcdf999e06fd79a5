package process

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// An address stays free for who names it, time and again, and is no choice of the
// system for anybody else.
func TestAFreeAddressIsKept(t *testing.T) {
	t.Parallel()
	address, err := FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	kept := func(when string) {
		t.Helper()
		if c, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("%s somebody answers: %v, %v", when, c, err)
		}
		_, text, _ := net.SplitHostPort(address)
		port, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		// What the system chooses from is what a socket could have that shares with nobody.
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(fd)
		if _, err := bindLoopback(fd, port); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s another may have it: %v", when, err)
		}
	}
	for _, when := range []string{"at first", "after one that listened there"} {
		kept(when)
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	kept("at last")
}
