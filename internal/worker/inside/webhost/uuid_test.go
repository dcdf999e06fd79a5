package webhost

import (
	"bytes"
	"testing"
)

func TestUUID(t *testing.T) {
	t.Parallel()
	for of, want := range map[byte]string{
		0x00: "00000000-0000-4000-8000-000000000000",
		0xFF: "ffffffff-ffff-4fff-bfff-ffffffffffff",
		0x5A: "5a5a5a5a-5a5a-4a5a-9a5a-5a5a5a5a5a5a",
	} {
		if got := UUID([16]byte(bytes.Repeat([]byte{of}, 16))); got != want {
			t.Errorf("of bytes %x it is %s, want %s", of, got, want)
		}
	}
}
