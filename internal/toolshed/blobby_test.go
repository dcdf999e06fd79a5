package toolshed

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"charmd/internal/blobby"
	"charmd/internal/charm"
	"charmd/internal/recipe"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

const token = "right"

// blobServer is a real server on a store of its own. It tells the recipes that arrive.
func blobServer(t *testing.T, dev bool) (url string, st store.Store, arrived *[]string) {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlitetest.Path(t), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	arrived = new([]string)
	shed := New(Options{Pages: plain{},
		Service: idle{}, Token: token, Dev: dev, Logger: slog.New(slog.DiscardHandler),
		Blobs: blobby.New(st, time.Now, func(_ store.Tx, id string) error { *arrived = append(*arrived, id); return nil }),
	})
	server := httptest.NewServer(shed)
	t.Cleanup(func() {
		server.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL, st, arrived
}

type reply struct {
	status int
	kind   string
	body   string
}

func (r reply) String() string { return fmt.Sprintf("%d %s %.200s", r.status, r.kind, r.body) }

func request(t *testing.T, method, url, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header.Get("Content-Type"), string(text)}
}

func bearer() []string { return []string{"Authorization", "Bearer " + token} }

// blobDifferences are the recorded exchanges that are answered differently on
// purpose; docs/compatibility.md has the reasons.
var blobDifferences = map[string]reply{
	"upload string body": {400, "application/json", `{"error":"a blob is a JSON object or array"}`},
	"upload null body":   {400, "application/json", `{"error":"a blob is a JSON object or array"}`},
	"upload bad JSON":    {400, "application/json", ""},
	"path traversal key": {400, "application/json", ""},
	"OPTIONS preflight":  {404, "application/json", `{"message":"Not Found - /api/storage/blobby/x"}`},
	"list after":         {200, "application/json", `{"blobs":["arr","spell-baedreitest","tp"]}`}, // in order, not as Redis happens to have them
}

var created = regexp.MustCompile(`"blobCreatedAt":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`)

func TestRecordedBlobExchanges(t *testing.T) {
	t.Parallel()
	var recorded struct {
		Exchanges []struct {
			Note    string
			Request struct {
				Method, Path string
				Headers      map[string]string
				Body         *string
			}
			Response struct {
				Status  int
				Headers map[string]string
				Body    string
			}
		}
	}
	text, err := os.ReadFile("testdata/frames-http-blobby.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &recorded); err != nil || len(recorded.Exchanges) < 30 {
		t.Fatalf("%d exchanges: %v", len(recorded.Exchanges), err)
	}
	url, _, _ := blobServer(t, false)
	differed := 0
	for _, e := range recorded.Exchanges {
		body, headers := "", bearer()
		if e.Request.Body != nil {
			body = *e.Request.Body
		}
		for name, value := range e.Request.Headers {
			headers = append(headers, name, value)
		}
		got := request(t, e.Request.Method, url+e.Request.Path, body, headers...)
		want := reply{e.Response.Status, e.Response.Headers["content-type"], e.Response.Body}
		if d, ok := blobDifferences[e.Note]; ok {
			want, differed = d, differed+1
			if want.body == "" {
				want.body = got.body
			}
		}
		got.body, want.body = created.ReplaceAllString(got.body, "NOW"), created.ReplaceAllString(want.body, "NOW")
		if got != want {
			t.Errorf("%s: got %v\nwant %v", e.Note, got, want)
		}
	}
	if differed != len(blobDifferences) {
		t.Errorf("%d of %d differences were met", differed, len(blobDifferences))
	}
}

const source = "export default 1"

func spellURL(url, src string) string { return url + "/api/storage/blobby/spell-" + recipe.ID(src) }

func TestWhoMayUseBlobs(t *testing.T) {
	t.Parallel()
	for _, dev := range []bool{false, true} {
		url, _, _ := blobServer(t, dev)
		blobs := url + "/api/storage/blobby"
		stored := func() {
			for _, at := range []string{blobs + "/other", spellURL(url, source)} {
				if got := request(t, "POST", at, `{"src":"`+source+`"}`, bearer()...); got.status != 200 {
					t.Fatalf("POST %s: %v", at, got)
				}
			}
		}
		stored()
		for _, c := range []struct {
			method, url string
			open        bool // also without --dev
		}{
			{"GET", spellURL(url, source), true},
			{"HEAD", spellURL(url, source), true},
			{"GET", spellURL(url, source) + "/src", true},
			{"GET", blobs, false},
			{"GET", blobs + "?keys=spell-" + recipe.ID(source), false},
			{"GET", blobs + "/other", false},
			{"GET", blobs + "/spell-", false},
			{"POST", blobs + "/other", false},
			{"POST", spellURL(url, source), false},
			{"DELETE", blobs + "/other", false},
			{"DELETE", spellURL(url, source), false},
		} {
			got := request(t, c.method, c.url, `{"src":"`+source+`"}`)
			if refused := got.status == 401; refused == (c.open || dev) {
				t.Errorf("dev %v: %s %s: %v", dev, c.method, c.url, got)
			}
			if got := request(t, c.method, c.url, "{}", append(bearer(), "Origin", "http://elsewhere.example")...); got.status != 403 {
				t.Errorf("from another site's page: %s %s: %v", c.method, c.url, got)
			}
			stored()
		}
		if got := request(t, "POST", url+"/api/storage/blobbyish/x", "{}"); got.status != 401 {
			t.Errorf("what only begins like it: %v", got)
		}
	}
}

func TestBlobsRefuse(t *testing.T) {
	t.Parallel()
	url, _, _ := blobServer(t, false)
	blobs := url + "/api/storage/blobby/"
	for name, c := range map[string]struct {
		key, body string
		want      int
	}{
		"a path upwards":         {"..%2f..%2fetc%2fpasswd", "{}", 400},
		"a path":                 {"a%2fb", "{}", 400},
		"a backslash":            {"a%5cb", "{}", 400},
		"two dots":               {"a..b", "{}", 400},
		"a leading dot":          {".ssh", "{}", 400},
		"a null byte":            {"a%00", "{}", 400},
		"a line end":             {"a%0a", "{}", 400},
		"a key that is too long": {strings.Repeat("k", 201), "{}", 400},
		"the longest key":        {strings.Repeat("k", 200), "{}", 200},
		"nesting":                {"deep", strings.Repeat("[", 600) + strings.Repeat("]", 600), 400},
		"a body too large":       {"large", `{"a":"` + strings.Repeat("x", charm.MaxBlobBytes) + `"}`, 413},
		"a large body":           {"fits", `{"a":"` + strings.Repeat("x", charm.MaxBlobBytes-100) + `"}`, 200},
		"another's recipe":       {"spell-" + recipe.ID("another"), `{"src":"` + source + `"}`, 400},
		"a recipe without src":   {"spell-" + recipe.ID(source), `{"recipe":{}}`, 400},
		"a list as recipe":       {"spell-" + recipe.ID(source), `[]`, 400},
		"not UTF-8":              {"bytes", "{\"a\":\"\xff\"}", 400},
		"two values":             {"two", "{}{}", 400},
	} {
		got := request(t, "POST", blobs+c.key, c.body, bearer()...)
		if got.status != c.want || got.kind != "application/json" {
			t.Errorf("%s: %v, want %d", name, got, c.want)
		}
	}
	if got := request(t, "GET", blobs+"fits/__proto__", "", bearer()...); got.status != 404 {
		t.Errorf("an inherited property: %v", got)
	}
}

// What a charm is made of is readable as a recipe that a client stored would be.
func TestRecipesOfCharmsAreBlobs(t *testing.T) {
	t.Parallel()
	url, st, _ := blobServer(t, false)
	rec := charm.Recipe{ID: recipe.ID(source), Name: "one.tsx", Source: source, Program: "compiled", CreatedAt: time.UnixMilli(1_700_000_000_123)}
	if err := st.Update(t.Context(), func(tx store.Tx) error { return tx.PutRecipe(rec) }); err != nil {
		t.Fatal(err)
	}
	const body = `{"src":"export default 1","recipeName":"one.tsx","blobCreatedAt":"2023-11-14T22:13:20.123Z","blobAuthor":"system"}`
	if got := request(t, "GET", spellURL(url, source), ""); got != (reply{200, "application/json", body}) {
		t.Errorf("the recipe: %v", got)
	}
	if got := request(t, "GET", spellURL(url, source)+"/src", ""); got != (reply{200, "application/javascript", source}) {
		t.Errorf("its source: %v", got)
	}
	if got := request(t, "GET", url+"/api/storage/blobby?prefix=spell-", "", bearer()...); got.body != `{"blobs":["spell-`+rec.ID+`"]}` {
		t.Errorf("the list: %v", got)
	}
	if got := request(t, "DELETE", spellURL(url, source), "", bearer()...); got.status != 409 {
		t.Errorf("deleting it: %v", got)
	}
	// A client says more of it; without that it is there as before.
	if got := request(t, "POST", spellURL(url, source), `{"src":"`+source+`","spec":"counts"}`, bearer()...); got.status != 200 {
		t.Errorf("storing it again: %v", got)
	}
	if got := request(t, "GET", spellURL(url, source)+"/spec", ""); got.body != "counts" {
		t.Errorf("its spec: %v", got)
	}
	if got := request(t, "DELETE", spellURL(url, source), "", bearer()...); got.status != 200 {
		t.Errorf("deleting what the client said: %v", got)
	}
	if got := request(t, "GET", spellURL(url, source), ""); got.body != body {
		t.Errorf("the recipe afterwards: %v", got)
	}
}

// A recipe that a client stores is one that charms can be run of, if it is what its
// id says; who waits for it is told.
func TestStoredRecipes(t *testing.T) {
	t.Parallel()
	url, st, arrived := blobServer(t, false)
	request(t, "POST", spellURL(url, source), `{"src":"`+source+`","parents":[]}`, bearer()...)
	request(t, "POST", url+"/api/storage/blobby/spell-mine", `{"src":"`+source+`"}`, bearer()...)
	if len(*arrived) != 1 || (*arrived)[0] != recipe.ID(source) {
		t.Errorf("told of %v", *arrived)
	}
	forged := recipe.ID("forged")
	err := st.Update(t.Context(), func(tx store.Tx) error {
		return tx.PutBlob(store.Blob{Key: "spell-" + forged, At: time.Now(), Body: []byte(`{"src":"` + source + `"}`)})
	})
	if err != nil {
		t.Fatal(err)
	}
	err = st.View(t.Context(), func(r store.Reader) error {
		rec, err := blobby.Recipe(r, recipe.ID(source))
		if err != nil || rec.Source != source || rec.ID != recipe.ID(source) || rec.Program != "" {
			t.Errorf("the recipe is %+v: %v", rec, err)
		}
		for _, id := range []string{forged, recipe.ID("none"), "", "mine"} {
			if _, err := blobby.Recipe(r, id); err != store.ErrNotFound {
				t.Errorf("recipe %q: %v", id, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
