package testbin

import (
	"bytes"
	"os/exec"
	"testing"
)

// WriteExecutable makes path an executable file of content, which may be run at
// once. A child process writes it: were it open for writing in this one, every
// child that another test starts meanwhile would inherit it, and running a file
// that is open for writing fails ("text file busy").
func WriteExecutable(t testing.TB, path string, content []byte) {
	t.Helper()
	cmd := exec.Command("sh", "-c", `cat > "$0" && chmod 755 "$0"`, path)
	cmd.Stdin = bytes.NewReader(content)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s could not be written: %v\n%s", path, err, out)
	}
}
