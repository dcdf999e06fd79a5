package worker_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What a worker's code does not import, a recipe that breaks out of the VM does
// not find in its process.
func TestWorkersKnowNothingOfTheStore(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"worker", "engine", "wire", "sandbox"} {
		out, err := exec.Command("go", "list", "-deps", "charmd/internal/"+pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		for dep := range strings.Lines(string(out)) {
			dep = strings.TrimSpace(dep)
			for _, forbidden := range []string{"store", "vault", "oauth", "memory", "identity", "queue", "egress"} {
				if strings.HasPrefix(dep+"/", "charmd/internal/"+forbidden+"/") {
					t.Errorf("%s imports %s", pkg, dep)
				}
			}
		}
	}
}
