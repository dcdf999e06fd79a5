//go:build !linux

package process

import "net"

// Reserve finds a port of the loopback interface that nobody listens on. Nothing here
// keeps it free; release does nothing.
func Reserve() (address string, release func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	return l.Addr().String(), func() {}, l.Close()
}
