//go:build race

package queue_test

// crowd is how many charms are due at once: under the race detector fewer, since SQLite
// is some ten times slower there.
const crowd = 2_000
