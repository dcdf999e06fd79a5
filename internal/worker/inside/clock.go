package inside

import (
	"math/rand/v2"
)

// clock is the run's own: it stands still while the recipe computes and moves to
// the due time of each timer that fires and to the arrival of each reply. So a
// run that is made again with the same replies sees the same times.
type clock struct {
	now   float64 // ms since 1970
	reads int     // since it moved
}

// readsPerTick is how often the clock can be read before it moves by itself: a
// loop that waits for a time of day must end.
const readsPerTick = 1000

func (c *clock) read() float64 {
	if c.reads++; c.reads >= readsPerTick {
		c.moveTo(c.now + 1)
	}
	return c.now
}

// moveTo never moves back.
func (c *clock) moveTo(at float64) {
	c.now, c.reads = max(c.now, at), 0
}

// entropy is the run's source of random bytes.
type entropy struct {
	source *rand.ChaCha8
}

func newEntropy(seed uint64) entropy {
	var key [32]byte
	spread := rand.NewPCG(seed, 0)
	for i := range 4 {
		v := spread.Uint64()
		for j := range 8 {
			key[8*i+j] = byte(v >> (8 * j))
		}
	}
	return entropy{rand.NewChaCha8(key)}
}

func (e entropy) bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = e.source.Read(b) // it never fails
	return b
}
