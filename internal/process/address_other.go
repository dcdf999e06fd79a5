//go:build !linux

package process

import "net"

// FreeAddress is an address of the loopback interface that nobody listens at. Here
// nothing keeps others from being given its port before somebody takes it.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
