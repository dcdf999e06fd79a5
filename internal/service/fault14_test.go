package service_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/testbin"
)

// Charms of one account run in several workers, asked for by several commands, when its
// token ends: it is refreshed once, and each of them gets the new one. A second daemon
// that would refresh it too does not start.
func TestFault14_OneRefreshAcrossProcesses(t *testing.T) {
	t.Parallel()
	g, d := withGoogle(t, "--max-retries", "0")
	first := d.addMail(g, mail, "home", "mail", notRegistered)
	d.connect(g, first)
	refs := []client.Ref{first}
	for i := range 5 {
		linked := argument(`{"url":%q,"auth":{"cell":{"/":%q},"path":["auth"]}}`, g.URL+"/gmail/v1/users/me/profile", first.Charm)
		refs = append(refs, d.add(mail, "home", fmt.Sprint("mail", i), notRegistered, linked, allow(g.Host), rarely))
	}
	for _, ref := range refs {
		d.runOK(ref)
	}
	before := g.Asked("/token")
	g.Expire()
	var commands sync.WaitGroup
	for _, ref := range refs {
		commands.Go(func() {
			cmd := exec.CommandContext(t.Context(), testbin.Path(t), "run", ref.Space+"/"+ref.Charm, "--wait")
			cmd.Env = append(os.Environ(), "CHARMD_URL="+d.URL, "CHARMD_TOKEN="+d.token())
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	commands.Wait()
	if n := g.Asked("/token") - before; n != 1 {
		t.Errorf("%d charms made %d refreshes", len(refs), n)
	}
	for _, ref := range refs {
		if got := result[seen](t, d.show(ref)).Seen; len(got) < 2 || got[len(got)-1] != g.Account.Email {
			t.Errorf("%v has seen %v", ref, got)
		}
	}
	out, err := exec.CommandContext(t.Context(), testbin.Path(t), "start", "--data-dir", d.Dir, "--listen", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another charmd (pid ") || g.Asked("/token")-before != 1 {
		t.Errorf("a second daemon: %v\n%s", err, out)
	}
	if run := d.run(first); run.Outcome != charm.OK {
		t.Errorf("after it the charm ended as %s: %s", run.Outcome, run.Error)
	}
}
