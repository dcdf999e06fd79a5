package service_test

import (
	"bufio"
	"encoding/base64"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"charmd/internal/certificate/certtest"
	"charmd/internal/charm"
	"charmd/internal/process"
)

// far is a public address that answers nobody here: who gets an answer got it by the
// proxy.
const far = "93.184.215.14"

// startProxy is a proxy through which far is a server of the test's.
func startProxy(t *testing.T, secured string, asked chan<- string) *httptest.Server {
	t.Helper()
	return serveAt(t, reserve(t), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // it is to be down for a while
		user := r.Header.Get("Proxy-Authorization")
		asked <- r.Method + " " + r.RequestURI
		if user != "Basic "+base64.StdEncoding.EncodeToString([]byte("operator:sesame")) {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			_, _ = io.WriteString(w, "plain "+r.Host)
			return
		}
		behind, err := net.Dial("tcp", secured)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer behind.Close()
		w.WriteHeader(http.StatusOK)
		front, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer front.Close()
		go func() {
			_, _ = io.Copy(behind, bufio.NewReader(buffered))
			_ = behind.Close()
		}()
		_, _ = io.Copy(front, behind)
	}))
}

// What charms ask goes by the proxy that the operator names, and by none that the
// environment does. Its password is nowhere; when it is down no charm is to blame.
func TestRequestsGoByTheProxy(t *testing.T) {
	t.Parallel()
	dir, files := t.TempDir(), t.TempDir()
	cert, key := certtest.Make(t, files, "far", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), far)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secured := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "secured "+r.Host) })}
	go func() { _ = secured.ServeTLS(l, cert, key) }()
	t.Cleanup(func() { _ = secured.Close() })
	var trapped atomic.Int32
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { trapped.Add(1) }))
	t.Cleanup(trap.Close)
	private, host := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "private") })

	asked := make(chan string, 10)
	proxy := startProxy(t, l.Addr().String(), asked)
	at := strings.TrimPrefix(proxy.URL, "http://")
	env := []string{
		"CHARMD_EGRESS_PROXY=http://operator:sesame@" + at, "SSL_CERT_FILE=" + cert,
		"HTTP_PROXY=" + trap.URL, "HTTPS_PROXY=" + trap.URL, "ALL_PROXY=" + trap.URL, "http_proxy=" + trap.URL, "https_proxy=" + trap.URL, "all_proxy=" + trap.URL, "NO_PROXY=",
	}
	d, err := launch(t, process.Options{Dir: dir, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	source := failing(`return (async () => {
    const got = [];
    for (const url of ["http://` + far + `/a", "https://` + far + `/b", "` + private + `"]) got.push(await (await fetch(url)).text());
    console.log(got.join(", "));
  })();`)
	ref := d.add(source, "s", "asks", notRegistered, allow(host))
	run := d.runOK(ref)
	if want := "plain " + far + ", secured " + far + ", private"; !strings.Contains(run.Log, want) {
		t.Errorf("the run's log is %q, want %q", run.Log, want)
	}
	if one, two := <-asked, <-asked; one != "GET http://"+far+"/a" || two != "CONNECT "+far+":443" {
		t.Errorf("the proxy was asked %s, %s", one, two)
	}
	record, err := d.Client.RunRecord(t.Context(), run.ID)
	if err != nil || len(record.Egress) != 3 {
		t.Fatalf("%+v, %v", record.Egress, err)
	}
	for i, want := range []charm.Request{{Address: at, Proxy: at}, {Address: far + ":443", Proxy: at}, {Address: host}} {
		if got := record.Egress[i]; got.Address != want.Address || got.Proxy != want.Proxy {
			t.Errorf("request %d went to %s by %q", i, got.Address, got.Proxy)
		}
	}
	out, _ := d.command("runs", run.ID, "--egress")
	if !strings.Contains(out, far+":443 by "+at) {
		t.Errorf("runs --egress prints\n%s", out)
	}

	proxy.CloseClientConnections()
	proxy.Close()
	for range 4 {
		run := d.run(ref)
		if run.Outcome != charm.Remote || !strings.Contains(run.Error, "by the proxy "+at+": it cannot be reached") {
			t.Errorf("without the proxy: %s, %s", run.Outcome, run.Error)
		}
	}
	if c := d.show(ref); c.State.ConsecutiveFailures != 0 {
		t.Errorf("it counts %d failures", c.State.ConsecutiveFailures)
	}
	if held := d.hosts(); len(held) != 0 {
		t.Errorf("held off: %+v", held)
	}
	if n := trapped.Load(); n != 0 {
		t.Errorf("the environment's proxy was asked %d times", n)
	}
	if err := d.Stop(); err != nil {
		t.Error(err)
	}
	hidden := []string{"sesame", base64.StdEncoding.EncodeToString([]byte("operator:sesame"))}
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(name)
		for _, secret := range hidden {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s holds the proxy's password", name)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
