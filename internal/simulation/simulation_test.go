// Package simulation lets the schedule, the queue, the state manager and the real
// store live through made-up days: charms that fail, page and wait, workers that
// die, hang and lie, writes that fail or last, a clock that jumps, rows changed
// behind the service's back, a service that dies at any moment of a transaction.
// Everything follows from a seed, and the invariants I1 to I4 are checked after
// each step. It exists because the order of such things cannot be tried by hand.
package simulation

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

var seedFlag = flag.Int64("seed", 0, "simulate this seed alone and print its steps")

// seeds is how many are simulated, unless CHARMD_SIM_SEEDS says otherwise.
var seeds = 200

func TestSimulation(t *testing.T) {
	t.Parallel()
	if *seedFlag != 0 {
		t.Log("\n" + strings.Join(simulate(t, *seedFlag), "\n"))
		return
	}
	n := seeds
	if text := os.Getenv("CHARMD_SIM_SEEDS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("CHARMD_SIM_SEEDS: %v", err)
		}
	}
	for seed := int64(1); seed <= int64(n); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			simulate(t, seed)
		})
	}
}

// A seed that fails is of use only when it fails again.
func TestASeedGivesTheSameSteps(t *testing.T) {
	t.Parallel()
	for _, seed := range []int64{1, 7, 23, 42} {
		first, second := simulate(t, seed), simulate(t, seed)
		for i := range min(len(first), len(second)) {
			if first[i] != second[i] {
				t.Fatalf("seed %d differs at step line %d:\n%s\n%s", seed, i+1, first[i], second[i])
			}
		}
		if !slices.Equal(first, second) {
			t.Fatalf("seed %d has %d lines, then %d", seed, len(first), len(second))
		}
	}
}

// simulate lives through a seed and returns its steps. When something is wrong it
// prints them with the command that repeats them.
func simulate(t *testing.T, seed int64) (lines []string) {
	t.Helper()
	dir := scratch(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir, seed)
		defer func() { lines = w.lines }()
		defer w.end()
		w.begin()
		for range steps {
			w.step()
		}
		w.settle()
	})
	return lines
}

// scratch is a directory that costs no disk where the system has one.
func scratch(t *testing.T) string {
	t.Helper()
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err != nil || !info.IsDir() {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "charmd-simulation-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
