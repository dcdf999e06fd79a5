package pages

import (
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

// page.js and its like are bundled from src.
//
//go:generate go run ./generate
//go:embed assets
var assetFiles embed.FS

//go:embed templates
var templateFiles embed.FS

// layout is all templates. They are parsed when the first page is asked for: worker
// processes are this program too, and show none.
var layout = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("pages").Funcs(functions).ParseFS(templateFiles, "templates/*.html"))
})

// assetsPath is above all assets. Their names hold a hash of what they are, so that
// browsers need never ask again.
const assetsPath = "/assets/"

type asset struct {
	address string // with assetsPath
	kind    string
	text    []byte
	zipped  []byte
}

// assets are the embedded files, by their plain names and by their addresses.
var assets = sync.OnceValues(func() (byName, byAddress map[string]asset) {
	byName, byAddress = map[string]asset{}, map[string]asset{}
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(err) // it is embedded
	}
	for _, e := range entries {
		text, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(text)
		ext := path.Ext(e.Name())
		a := asset{
			address: assetsPath + strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext,
			kind:    mime.TypeByExtension(ext), text: text, zipped: compress(text, gzip.BestCompression),
		}
		byName[e.Name()], byAddress[a.address] = a, a
	}
	return byName, byAddress
})

// Asset is the address of an asset by its plain name. One that is not there is a
// mistake of the program.
func Asset(name string) string {
	byName, _ := assets()
	a, ok := byName[name]
	if !ok {
		panic("pages: no asset " + name)
	}
	return a.address
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	_, byAddress := assets()
	a, ok := byAddress[r.URL.Path]
	if !ok {
		http.Error(w, "there is no such asset; the page that named it is of another version", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Type", a.kind)
	h.Set("Vary", "Accept-Encoding")
	text := a.text
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		text = a.zipped
	}
	_, _ = w.Write(text) // the client may be gone, which is its own affair
}
