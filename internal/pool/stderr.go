package pool

import (
	"io"
	"sync"
)

const keptStderr = 16 << 10

// drain reads a worker's stderr to its end, so that the worker never blocks on
// it, and keeps the beginning of what came since the last forget: the first lines
// of a Go panic say why.
type drain struct {
	mu   sync.Mutex
	kept []byte
	done chan struct{}
}

func newDrain(from io.Reader) *drain {
	d := &drain{done: make(chan struct{})}
	go func() {
		defer close(d.done)
		_, _ = io.Copy(d, from)
	}()
	return d
}

// Write keeps what there is room for.
func (d *drain) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = append(d.kept, b[:min(len(b), keptStderr-len(d.kept))]...)
	return len(b), nil
}

// forget drops what was kept.
func (d *drain) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = d.kept[:0]
}

// all is what was kept, after the end.
func (d *drain) all() string {
	<-d.done
	d.mu.Lock()
	defer d.mu.Unlock()
	return string(d.kept)
}
