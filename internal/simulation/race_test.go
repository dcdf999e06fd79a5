//go:build race

package simulation

// The race detector makes a seed take ten times as long.
func init() { seeds = 20 }
