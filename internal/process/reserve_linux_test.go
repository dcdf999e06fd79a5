package process

import (
	"net"
	"testing"
)

// What is reserved can be listened on again and again, and is refused meanwhile.
func TestReserve(t *testing.T) {
	t.Parallel()
	address, release, err := Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	for range 3 {
		if c, err := net.Dial("tcp", address); err == nil {
			t.Fatalf("somebody listens at %s: %v", address, c.Close())
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
