package escape

import (
	"context"
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

func read(path string) error {
	_, err := os.ReadFile(path)
	return err
}

func open(path string, flag int) error {
	f, err := os.OpenFile(path, flag, 0o600)
	if err == nil {
		err = f.Close()
	}
	return err
}

func list(path string) error {
	_, err := os.ReadDir(path)
	return err
}

func dial(network, address string) error {
	c, err := net.DialTimeout(network, address, patience)
	if err == nil {
		err = c.Close()
	}
	return err
}

func listen() error {
	c := net.ListenConfig{}
	c.SetMultipathTCP(false)
	l, err := c.Listen(context.Background(), "tcp4", "0.0.0.0:0")
	if err == nil {
		err = l.Close()
	}
	return err
}

// resolve asks a name server for a name that says something.
func resolve(server string) error {
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server)
	}}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := r.LookupHost(ctx, "secret.example.org")
	var answer *net.DNSError
	if errors.As(err, &answer) && answer.IsNotFound {
		return nil // the name server got the question and answered
	}
	return err
}

func socket(family, kind, protocol int) error {
	fd, err := unix.Socket(family, kind, protocol)
	if err == nil {
		err = unix.Close(fd)
	}
	return err
}
