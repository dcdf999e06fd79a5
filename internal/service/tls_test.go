package service_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/certificate/certtest"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/process"
	"charmd/internal/testbin"
)

// command runs the program against the daemon as somebody at this machine does.
func (d *daemon) command(args ...string) (out string, code int) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), testbin.Path(d.t), append(args, "--data-dir", d.Dir)...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+d.RuntimeDir(), "CHARMD_URL=", "CHARMD_TOKEN=")
	text, err := cmd.CombinedOutput()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		d.t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// The service speaks TLS itself: to browsers and programs that trust who signed, to
// commands by the certificate alone; and takes another pair as soon as it lies there.
func TestTLSOfOurs(t *testing.T) {
	t.Parallel()
	files, now := t.TempDir(), time.Now()
	cert, key := certtest.Make(t, files, "pair", now.Add(-time.Hour), now.Add(9*time.Hour), "charmd.example.org")
	run, err := launch(t, process.Options{Dir: t.TempDir(), Args: []string{"--tls-cert", cert, "--tls-key", key, "--host-names", "charmd.example.org", "--interval", "1s"}})
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(run.URL, "https://")
	transport := func(from uint16) *http.Transport {
		text, err := os.ReadFile(cert)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(text)
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "charmd.example.org", MinVersion: from, MaxVersion: from}, ForceAttemptHTTP2: true}
		t.Cleanup(tr.CloseIdleConnections)
		return tr
	}
	get := func(tr *http.Transport, path string) (int, string, string) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", run.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "charmd.example.org"
		res, err := (&http.Client{Transport: tr}).Do(req)
		if err != nil {
			return 0, "", err.Error()
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, res.Proto, string(body)
	}
	for version, want := range map[uint16]string{tls.VersionTLS13: "HTTP/2.0", tls.VersionTLS12: "HTTP/2.0", tls.VersionTLS11: ""} {
		if status, proto, body := get(transport(version), "/healthz"); proto != want {
			t.Errorf("TLS %x: %d %q %s", version, status, proto, body)
		}
	}
	if res, err := http.Get("http://" + address + "/healthz"); err != nil || res.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP: %v, %v", res, err)
	}
	_, port, _ := strings.Cut(address, ":")
	if out, code := run.command("status"); code != 0 || !strings.Contains(out, "https://charmd.example.org:"+port) {
		t.Errorf("status: %d %s", code, out)
	}
	if out, code := run.command("open", "--print"); code != 0 || !strings.Contains(out, "https://charmd.example.org:"+port+"/service/sign-in?link=") {
		t.Errorf("open: %d %s", code, out)
	}
	if out, code := run.command("doctor"); code != 0 {
		t.Errorf("doctor: %d %s", code, out)
	}
	run.watches()

	// Another one, which ends soon.
	certtest.Make(t, files, "pair", now.Add(-10*time.Hour), now.Add(time.Hour), "charmd.example.org")
	run.awaitLog("a new certificate for TLS is served")
	if status, _, body := get(transport(tls.VersionTLS13), "/readyz"); status != http.StatusOK || !strings.Contains(body, `"warnings":["the certificate for TLS expires in `) {
		t.Errorf("readyz: %d %s", status, body)
	}
	out, code := run.command("doctor")
	if code != charm.ExitFailure || !strings.Contains(out, "the certificate for TLS expires in ") || !strings.Contains(out, "Fix: renew it") {
		t.Errorf("doctor: %d %s", code, out)
	}
	if _, err := run.Client.Status(t.Context()); err != nil {
		t.Errorf("a client from before: %v", err)
	}

	// One that is no good does not take its place.
	if err := os.WriteFile(key, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	run.awaitLog("the new certificate for TLS is not used")
	if out, code = run.command("doctor"); code != charm.ExitFailure || !strings.Contains(out, "pair.key holds no private key") {
		t.Errorf("doctor: %d %s", code, out)
	}
	if strings.Contains(run.Log(), "PRIVATE") {
		t.Errorf("the log holds a key:\n%s", run.Log())
	}
	if err := run.Stop(); err != nil {
		t.Error(err)
	}
	// It does not start with it either, and says so at once.
	if out, code := run.command("start", "--listen", address, "--tls-cert", cert, "--tls-key", key); code != charm.ExitUsage || !strings.Contains(out, "pair.key holds no private key") || !strings.Contains(out, "hint: ") {
		t.Errorf("start: %d %s", code, out)
	}
}

// watches looks whether a subscription gets through TLS, by WebSocket.
func (d *daemon) watches() {
	d.t.Helper()
	ctx, cancel := context.WithCancel(d.t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, testbin.Path(d.t), "watch", "home/heartbeat", "--data-dir", d.Dir)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+d.RuntimeDir())
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	if n, err := out.Read(make([]byte, 1)); n != 1 {
		d.t.Errorf("watch printed nothing: %v", err)
	}
	cancel()
	_ = cmd.Wait() // it was killed
	if said.Len() > 0 && strings.Contains(said.String(), "certificate") {
		d.t.Errorf("watch: %s", &said)
	}
}

// awaitLog waits until the daemon has logged the text.
func (d *daemon) awaitLog(text string) {
	d.t.Helper()
	d.await(client.Ref{Space: "home", Charm: "heartbeat"}, text, 20*time.Second, func(api.Charm) bool { return strings.Contains(d.Log(), text) })
}

// toolshed takes the options as start does; one without the other is refused, and so
// is --allow-remote with neither TLS nor a proxy that does it.
func TestHowTLSIsAskedFor(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	cert, key := certtest.Make(t, dir, "pair", now.Add(-time.Hour), now.Add(time.Hour), "charmd.example.org")
	for _, tc := range []struct {
		args []string
		say  string
	}{
		{[]string{"start", "--tls-cert", cert}, "tls-cert (flag --tls-cert) without tls-key"},
		{[]string{"toolshed", "--tls-key", key}, "tls-key (flag --tls-key) without tls-cert"},
		{[]string{"start", "--listen", "0.0.0.0:0", "--allow-remote"}, "--tls-cert"},
		{[]string{"start", "--tls-cert", filepath.Join(dir, "none"), "--tls-key", key}, "the certificate for TLS cannot be read"},
	} {
		cmd := exec.CommandContext(t.Context(), testbin.Path(t), append(tc.args, "--data-dir", filepath.Join(t.TempDir(), "data"))...)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != charm.ExitUsage || !strings.Contains(string(out), tc.say) || !strings.Contains(string(out), "hint: ") {
			t.Errorf("%v: %d %s", tc.args, code, out)
		}
	}
	d, err := launch(t, process.Options{Dir: t.TempDir(), Alone: true, Args: []string{"--tls-cert", cert, "--tls-key", key}})
	if err != nil {
		t.Fatal(err)
	}
	if out, code := d.command("status"); code != 0 {
		t.Errorf("status: %d %s", code, out)
	}
}
