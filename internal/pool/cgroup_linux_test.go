package pool

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"charmd/internal/cgroup"
	"charmd/internal/sandbox"
)

// A machine may let cgroups be made and no process begin in one; the folder here
// looks like such a one.
func TestWorkersDoWithoutACgroupThatTheyCannotBeginIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.controllers"), []byte("memory pids"), 0o644); err != nil {
		t.Fatal(err)
	}
	tree, err := cgroup.Divide(dir)
	if err != nil {
		t.Fatal(err)
	}
	p := fakePool(t, "good", Options{Workers: 1, RunsPerWorker: 1, Cgroups: tree})
	for range 2 {
		_, e := p.Run(t.Context(), script(), amply, &fakeHost{})
		if l := p.Sandbox().Cgroup; e.Kind != Done || l.State != sandbox.Unavailable || !strings.HasPrefix(l.Reason, "a worker cannot begin in one: ") {
			t.Errorf("%+v, %+v", e, l)
		}
	}
	if made, _ := filepath.Glob(filepath.Join(dir, "charmd", "worker-*")); len(made) > 1 {
		t.Errorf("it is tried again each time: %q", made)
	}
}

// The reason why there are none is in the report of each worker.
func TestWhyThereAreNoCgroups(t *testing.T) {
	t.Parallel()
	p := fakePool(t, "good", Options{Workers: 1, NoCgroups: "only in a test", RequireSandbox: true})
	_, e := p.Run(t.Context(), script(), amply, &fakeHost{})
	want := sandbox.Layer{State: sandbox.Unavailable, Reason: "only in a test"}
	if l := p.Sandbox().Cgroup; e.Kind != Done || l != want {
		t.Errorf("%+v, %+v", e, l)
	}
}

func TestFault05_WhatTheKernelEndsForItsMemoryIsOutOfMemory(t *testing.T) {
	t.Parallel()
	dying := exec.Command("/bin/sh", "-c", "kill -9 $$")
	_ = dying.Run()
	for of, want := range map[bool]Exit{
		true:  {Kind: OutOfMemory, Detail: "killed by SIGKILL, because it took too much memory"},
		false: {Kind: Crashed, Detail: "killed by SIGKILL"},
	} {
		if e := autopsy(dying.ProcessState, "", of); e != want {
			t.Errorf("out of memory %v: %+v", of, e)
		}
	}
}
