package process

import (
	"errors"
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// Reserve takes a port of the loopback interface until release: the system gives it to
// nobody else, and whoever is told the address may listen there, end, and listen again.
// While nobody does, connections to it are refused.
func Reserve() (address string, release func(), err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", nil, err
	}
	// Bound and not listening, it is in the way of no listener that reuses addresses, as
	// those of this language do.
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	if err == nil {
		var at unix.Sockaddr
		if at, err = unix.Getsockname(fd); err == nil {
			return net.JoinHostPort("127.0.0.1", strconv.Itoa(at.(*unix.SockaddrInet4).Port)), func() { _ = unix.Close(fd) }, nil
		}
	}
	return "", nil, errors.Join(err, unix.Close(fd))
}
