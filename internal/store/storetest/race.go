//go:build race

package storetest

// histories is how many the model lives through: under the race detector few, since
// SQLite is some ten times slower there and has no goroutines of its own to race.
const histories = "15"
