//go:build race

package sandbox

func init() { withRaceDetector = true }
