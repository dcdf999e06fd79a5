package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"charmd/internal/certificate/certtest"
	"charmd/internal/charm"
	"charmd/internal/config"
	"charmd/internal/queue"
	"charmd/internal/sandbox"
)

func TestWallsThatShouldStand(t *testing.T) {
	t.Parallel()
	on := sandbox.Layer{State: sandbox.On}
	off := sandbox.Layer{State: sandbox.Off, Reason: "not asked for"}
	lacking := sandbox.Layer{State: sandbox.Unavailable, Reason: "old kernel"}
	for _, tc := range []struct {
		name   string
		report sandbox.Report
		want   int
	}{
		{"all stand", sandbox.Report{Namespaces: on, Landlock: on, Seccomp: on, Rlimits: on}, 0},
		{"some are not asked for", sandbox.Report{Namespaces: off, Landlock: off, Seccomp: off, Rlimits: on}, 0},
		{"one is not to be had", sandbox.Report{Namespaces: on, Landlock: lacking, Seccomp: off, Rlimits: on}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS != "linux" {
				tc.want = 0
			}
			found := walls(tc.report)
			if len(found) != tc.want {
				t.Fatalf("found %+v", found)
			}
			if tc.want > 0 && (found[0].Code != Sandbox || !strings.Contains(found[0].What, "landlock: old kernel")) {
				t.Errorf("found %+v", found[0])
			}
		})
	}
}

func TestIsWorker(t *testing.T) {
	t.Parallel()
	for cmdline, want := range map[string]bool{
		"charmd\x00worker\x00-arena\x00134217728\x00-rebuild=false\x00": true,
		"charmd\x00start\x00":          false,
		"charmd\x00":                   false,
		"grep\x00worker\x00-arena\x00": false,
		"":                             false,
		"vi\x00charmd worker -arena 134217728\x00a\x00": false,
	} {
		if isWorker(cmdline) != want {
			t.Errorf("%q: want %v", cmdline, want)
		}
	}
}

func TestManyBreachesAreNotAllNamed(t *testing.T) {
	t.Parallel()
	var list []queue.Breach
	for i := range 3 * mostNamed {
		list = append(list, queue.Breach{Kind: queue.Unarmed, Charm: charm.Charm{Row: int64(i + 1), SpaceName: "home", Name: fmt.Sprint("c", i)}, Detail: "nothing would run it"})
	}
	found := breached(list, "a fix")
	if len(found) != mostNamed+1 || !strings.HasPrefix(found[mostNamed].What, "40 more ") {
		t.Errorf("%d problems, the last: %+v", len(found), found[len(found)-1])
	}
	list[0].Charm = charm.Charm{}
	if found = breached(list[:1], "a fix"); !strings.HasPrefix(found[0].What, "maintenance stands against") {
		t.Errorf("found %+v", found)
	}
}

// TestAWorkerThatDoesNotStart gives it a program that is none.
func TestAWorkerThatDoesNotStart(t *testing.T) {
	t.Parallel()
	p := &Patient{Config: config.Config{WorkerExe: filepath.Join(t.TempDir(), "nothing")}, Now: time.Now}
	found := ownWorker(t.Context(), p)
	if len(found) != 1 || found[0].Code != Worker || !strings.HasPrefix(found[0].What, "no worker process can run charms: ") {
		t.Errorf("found %+v", found)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if found = ownWorker(ended, p); len(found) != 1 || found[0].Code != Worker {
		t.Errorf("after its time: %+v", found)
	}
}

// The limits are those by which the service stops runs.
func TestRoomIsWhatTheServiceIsToldToKeep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, config.DatabaseFile), make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	for budget, want := range map[int64]int{0: 0, 4000: 1, 5000: 0} {
		found := room(&Patient{Config: config.Config{DataDir: dir, DiskBudget: budget}})
		if len(found) != want || want > 0 && (found[0].Code != Disk || !strings.Contains(found[0].Fix, "--disk-budget")) {
			t.Errorf("of a budget of %d: %+v", budget, found)
		}
	}
}

// The certificate that the next start would serve with is looked at before it.
func TestTheNextCertificate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tc := range map[string]struct {
		ends time.Duration
		mode os.FileMode
		want string
	}{
		"good":           {80 * 24 * time.Hour, 0o640, ""},
		"ends soon":      {10 * 24 * time.Hour, 0o600, "the certificate for TLS expires in "},
		"has ended":      {-time.Hour, 0o600, "x.crt has expired on "},
		"open to others": {80 * 24 * time.Hour, 0o604, "everybody on this machine may read the key for TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cert, key := certtest.Make(t, dir, "x", now.Add(-90*24*time.Hour), now.Add(tc.ends), "charmd.example.org")
			if err := os.Chmod(key, tc.mode); err != nil {
				t.Fatal(err)
			}
			p := &Patient{Config: config.Config{DataDir: dir, TLSCert: cert, TLSKey: key}, Now: time.Now}
			found := append(modes(p), tlsFiles(t.Context(), p)...)
			if (len(found) == 1) != (tc.want != "") || len(found) == 1 && (!strings.Contains(found[0].What, tc.want) || found[0].Fix == "") {
				t.Errorf("found %+v", found)
			}
		})
	}
}
