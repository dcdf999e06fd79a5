package service_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charmd/internal/config"
	"charmd/internal/identity"
	"charmd/internal/jsontext"
	"charmd/internal/memory/frames"
	"charmd/internal/recipe"
)

// A recipe is taken without the token from whom may write the system space and has
// signed for that key; whatever else is said in the header opens nothing.
func TestRecipesOfOtherServicesAreSigned(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, t.TempDir())
	pem, err := os.ReadFile(filepath.Join(d.Dir, config.OperatorFile))
	if err != nil {
		t.Fatal(err)
	}
	operator, err := identity.FromPKCS8(pem)
	if err != nil {
		t.Fatal(err)
	}
	const source = "export default 1;"
	key := "spell-" + recipe.ID(source)
	signed := func(who *identity.Key, cmd, space, key string, at time.Time) string {
		args := jsontext.NewObject()
		args.Set("key", key)
		return string(frames.Sign(frames.NewInvocation(cmd, space, who.DID(), args, at, ""), who))
	}
	stranger, system, now := identity.FromPassphrase("a stranger"), identity.SystemSpaceDID, time.Now()
	good := signed(operator, frames.PutBlob, system, key, now)
	for _, c := range []struct {
		name, header, key string
		want              int
	}{
		{"no signature", "", key, http.StatusUnauthorized},
		{"no request", "{}", key, http.StatusUnauthorized},
		{"a stranger", signed(stranger, frames.PutBlob, system, key, now), key, http.StatusUnauthorized},
		{"the published system key", signed(identity.SystemSpace(), frames.PutBlob, system, key, now), key, http.StatusUnauthorized},
		{"a space of the signer's", signed(stranger, frames.PutBlob, stranger.DID(), key, now), key, http.StatusUnauthorized},
		{"another command", signed(operator, frames.Query, system, key, now), key, http.StatusUnauthorized},
		{"another key", signed(operator, frames.PutBlob, system, "spell-"+recipe.ID("other"), now), key, http.StatusUnauthorized},
		{"long expired", signed(operator, frames.PutBlob, system, key, now.Add(-48*time.Hour)), key, http.StatusUnauthorized},
		{"changed", strings.Replace(good, `"prf":[]`, `"prf":[1]`, 1), key, http.StatusUnauthorized},
		{"no recipe's key", signed(operator, frames.PutBlob, system, "notes", now), "notes", http.StatusUnauthorized},
		{"the operator", good, key, http.StatusOK},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/api/storage/blobby/"+c.key, strings.NewReader(`{"src":"`+source+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		if c.header != "" {
			req.Header.Set(frames.InvocationHeader, c.header)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s: %s, want %d", c.name, res.Status, c.want)
		}
	}
}
