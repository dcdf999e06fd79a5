//go:build linux

package service_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"charmd/internal/identity"
	"charmd/internal/memory"
	"charmd/internal/memory/frames"
	"charmd/internal/merkle"
)

// TestFault18_DiskAlmostFullOverTheWire: clients may not take the room that is kept
// free either. They are told so, read on, and may write again by themselves.
func TestFault18_DiskAlmostFullOverTheWire(t *testing.T) {
	t.Parallel()
	dir := small(t, "64m")
	d := startDaemon(t, dir, "--min-free", "16MiB")
	key := identity.FromPassphrase("a client")
	w, err := d.dial(key, key.DID())
	if err != nil {
		t.Fatal(err)
	}
	const of = "of:note"
	cause := merkle.Unclaimed(memory.JSON, of)
	if err := w.write(t.Context(), of, cause, "first"); err != nil {
		t.Fatal(err)
	}
	ballast := fill(t, dir, 8<<20)
	d.awaitReady(false, "less than --min-free")
	is := merkle.Refer("first")
	cause = merkle.FactRef(memory.JSON, of, &is, cause)
	err = w.write(t.Context(), of, cause, "second")
	if err == nil || !strings.Contains(err.Error(), frames.TransactionError) || !strings.Contains(err.Error(), "no room to write") || strings.Contains(err.Error(), dir) {
		t.Errorf("without room a write ended with %v", err)
	}
	if v, _, err := w.read(t.Context(), of); v != "first" || err != nil {
		t.Errorf("without room there is %v, %v", v, err)
	}
	blob := d.URL + "/api/storage/blobby/note"
	if status, text := d.send(http.MethodPost, blob, `{"a":1}`); status != http.StatusInsufficientStorage || !strings.Contains(text, "no room to write") {
		t.Errorf("without room a blob is answered with %d %s", status, text)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	d.awaitReady(true, "")
	if err := w.write(t.Context(), of, cause, "second"); err != nil {
		t.Error(err)
	}
	if status, text := d.send(http.MethodPost, blob, `{"a":1}`); status != http.StatusOK {
		t.Errorf("a blob is answered with %d %s", status, text)
	}
	m := d.metrics()
	for series, want := range map[string]float64{
		`charmd_memory_connections`:                          1,
		`charmd_memory_transactions_total{result="ok"}`:      2,
		`charmd_memory_transactions_total{result="refused"}`: 1,
	} {
		if got := m.value(series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
}

// TestFault18_DiskFullOverTheWire: what a client sends to a disk without any room is
// refused in the same way, names no file, and is what finds out that there is room.
func TestFault18_DiskFullOverTheWire(t *testing.T) {
	t.Parallel()
	dir := small(t, "48m")
	d := startDaemon(t, dir, "--min-free", "0")
	key := identity.FromPassphrase("a client")
	w, err := d.dial(key, key.DID())
	if err != nil {
		t.Fatal(err)
	}
	const of = "of:note"
	first := merkle.Unclaimed(memory.JSON, of)
	ballast := fill(t, dir, 0)
	large := strings.Repeat("x", 1<<20)
	err = w.write(t.Context(), of, first, large)
	if err == nil || !strings.Contains(err.Error(), frames.TransactionError) || strings.Contains(err.Error(), dir) {
		t.Errorf("on a full disk a write ended with %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, "it is found out that there is room", func() bool { return w.write(t.Context(), of, first, large) == nil })
}

// send sends a body with the daemon's token.
func (d *daemon) send(method, url, body string) (status int, text string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.token())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}
