package process

import (
	"net"
	"strconv"
	"syscall"
)

// FreeAddress is an address of the loopback interface that nobody answers at, for
// whoever is to listen there: now, or after a daemon that has ended. A socket that
// does not listen keeps it until this process ends, so that the system gives its port
// to nobody else who asks for any.
func FreeAddress() (string, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	// Who names the port may take it beside a socket that allows that and does not listen.
	port, err := 0, syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err == nil {
		port, err = bindLoopback(fd, 0)
	}
	if err != nil {
		_ = syscall.Close(fd)
		return "", err
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), nil
}

// bindLoopback gives a socket a port, 0 for any, and says which it has.
func bindLoopback(fd, port int) (int, error) {
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	address, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	return address.(*syscall.SockaddrInet4).Port, nil
}
