package main

import "time"

// ownCPU is not looked at on this system, which has no walls to measure.
func ownCPU() time.Duration { return 0 }
