//go:build !race

package queue_test

// crowd is how many charms are due at once.
const crowd = 10_000
