package service_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/fakegoogle"
	"charmd/internal/testbin"
)

// connectCommand runs charmd connect with the real binary; act is what the person does
// who reads what it says on standard error.
func (d *daemon) connectCommand(act func(line string) bool, args ...string) (stdout string, err error) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), testbin.Path(d.t), append([]string{"connect", "--json"}, args...)...)
	cmd.Env = append(os.Environ(), "CHARMD_URL="+d.URL, "CHARMD_TOKEN="+d.token())
	var out bytes.Buffer
	cmd.Stdout = &out
	errs, err := cmd.StderrPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	var said []string
	for lines := bufio.NewScanner(errs); lines.Scan(); {
		if said = append(said, lines.Text()); act(lines.Text()) {
			break
		}
	}
	_, _ = io.Copy(io.Discard, errs)
	if err = cmd.Wait(); err != nil {
		d.t.Logf("it said %q and printed %s", said, &out)
	}
	return out.String(), err
}

func TestConnectFromTheCommandLine(t *testing.T) {
	t.Parallel()
	g, d := withGoogle(t)
	ref := d.addMail(g, connected, "home", "named", notRegistered)
	b := browser(t, g)
	open := func(line string) bool {
		address := strings.TrimSpace(line)
		if !strings.HasPrefix(address, g.URL) {
			return false
		}
		back := allowAccess(t, b, address)
		if !strings.HasPrefix(back.String(), "http://127.0.0.1:") || back.Path != "/connected" {
			t.Errorf("Google leads back to %s", back)
		}
		forged := *back
		forged.RawQuery = "state=x&code=y"
		for _, address := range []string{forged.String(), back.String()} {
			if status, text := get(t, b, address); status != http.StatusOK || strings.Contains(text, "code") {
				t.Errorf("the page at the end: %d %s", status, text)
			}
		}
		return true
	}
	read := func(out string) (c api.Connection) {
		if err := json.Unmarshal([]byte(out), &c); err != nil {
			t.Errorf("it printed %q: %v", out, err)
		}
		return c
	}
	out, err := d.connectCommand(open, "google", "--charm", "home/named")
	if c := read(out); err != nil || c.State != charm.Connected || c.Account != g.Account.Email || c.Charm != "home/named" {
		t.Errorf("connected is %+v, %v", c, err)
	}
	d.runOK(ref)

	typed := regexp.MustCompile(`^Open https://www\.google\.com/device and type there: ABCD-EFGH$`)
	out, err = d.connectCommand(func(line string) bool {
		if typed.MatchString(line) {
			g.Type()
			return true
		}
		return false
	}, "google", "--device", "--charm", "home/named")
	if c := read(out); err != nil || c.State != charm.Connected {
		t.Errorf("by a device code: %+v, %v", c, err)
	}
	d.runOK(ref)
	if list, err := d.Client.Connections(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("connected twice, there are %+v, %v", list, err)
	}

	g.Change(func(r *fakegoogle.Rules) { r.Denied = true })
	if out, err := d.connectCommand(open, "google", "--charm", "home/named"); err == nil || !strings.Contains(out, "access_denied") {
		t.Errorf("what the person refused ended with %q, %v", out, err)
	}
	for _, args := range [][]string{{"google"}, {"nobody", "--charm", "home/named"}, {"github", "--charm", "home/named"}, {"google", "--charm", "home/nothing"}, {"google", "--charm", "home/named", "--cell", "nowhere"}} {
		if _, err := d.connectCommand(func(string) bool { return false }, args...); err == nil {
			t.Errorf("%q went well", args)
		}
	}
	list, err := d.Client.Connections(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := d.Client.Disconnect(t.Context(), list[0].ID); err != nil {
		t.Fatal(err)
	}
	d.await(ref, "a charm whose account was taken away waits", 30*time.Second, func(api.Charm) bool { return d.run(ref).Outcome == charm.NeedsReconnect })
	g.Change(func(r *fakegoogle.Rules) { r.Denied = false })
	d.connect(g, ref)
	if err := d.Client.Remove(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if list, err := d.Client.Connections(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("after the charm was removed there are %+v, %v", list, err)
	}
	d.searchSecrets(g)
}
