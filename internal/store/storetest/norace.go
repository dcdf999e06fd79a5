//go:build !race

package storetest

// histories is how many the model lives through.
const histories = "100"
