package service_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"charmd/internal/fakegoogle"
)

// searchSecrets looks for every secret that the Google has given, and for the vault's
// key, in all that is on disk, in the log, and in what other processes may see of the
// workers: I5.
func (d *daemon) searchSecrets(g *fakegoogle.Google) {
	d.t.Helper()
	key, err := os.ReadFile(filepath.Join(d.Dir, "vault.key"))
	if err != nil {
		d.t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(key)))
	if err != nil {
		d.t.Fatal(err)
	}
	secrets := append(g.Given(), strings.TrimSpace(string(key)), string(raw), hex.EncodeToString(raw))
	if len(secrets) < 6 {
		d.t.Errorf("there were only %d secrets to look for", len(secrets))
	}
	look := func(where string, text []byte) {
		for _, secret := range secrets {
			if bytes.Contains(text, []byte(secret)) {
				d.t.Errorf("%s holds the secret %.12q…", where, secret)
			}
		}
	}
	files := 0
	err = filepath.WalkDir(d.Dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || e.Name() == "vault.key" {
			return err
		}
		text, err := os.ReadFile(name)
		look(name, text)
		files++
		return err
	})
	if err != nil || files < 4 {
		d.t.Errorf("%d files were looked at: %v", files, err)
	}
	status, err := d.Client.Status(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, w := range status.Workers {
		for _, what := range []string{"environ", "cmdline"} {
			if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", w.PID, what)); err == nil {
				look(what+" of a worker", text)
			}
		}
	}
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", d.PID)); err == nil {
		look("the daemon's command line", text)
	}
}
