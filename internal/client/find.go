package client

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"charmd/internal/charm"
)

// TokenFile is the file in the data directory that holds the bearer token of
// its daemon, readable by its user alone.
const TokenFile = "admin.token"

// maxTokenBytes is the size limit of the token file.
const maxTokenBytes = 4 << 10

// Lookup is what a command knows about the daemon it is meant for.
type Lookup struct {
	URL          string // CHARMD_URL, "" when unset
	Token        string // CHARMD_TOKEN, "" when unset
	DataDir      string
	DataDirGiven bool   // DataDir is not merely the built-in one
	RuntimeDir   string // see RuntimeDir
	// Held reports whether a daemon has the data directory now: others that answer
	// where it would be are told nothing. Nil knows of none that has not.
	Held    func(dir string) bool
	Default string // URL of a daemon that left no file: http://127.0.0.1:8000 unless CHARMD_LISTEN says otherwise
}

// Place is where a daemon is expected.
type Place struct {
	URL     string
	Token   string // "" when there is none to be found
	Given   bool   // CHARMD_TOKEN gave it
	DataDir string // of that daemon as far as is known
	Named   bool   // CHARMD_URL said so
	Pages   string // where browsers reach it; "" when that is URL

	// Other is the data directory of the daemon that has the address, when it is not
	// the one that is meant: requests fail and reach nobody.
	Other string

	// Absent says that no daemon has the data directory, and that no token was given
	// for another one: who answers at the address is not asked.
	Absent bool

	// Certificates are the fingerprints of those that it may show, as of now; nil
	// leaves it to the system whom to trust.
	Certificates func() []string
}

// Find says where the daemon is: at CHARMD_URL; where the runtime file says that
// names our data directory; if no data directory was given and exactly one
// daemon has a runtime file, there; else at the address it serves by default, unless
// that is another's. Nothing is contacted. The token of the data directory goes to no
// address of another machine. While no daemon has that directory nothing goes to the
// address, also no secret that is to be kept: anybody's program may listen there meanwhile.
func Find(l Lookup) (Place, error) {
	p := Place{URL: l.URL, DataDir: l.DataDir, Named: l.URL != ""}
	if p.Named {
		if u, err := url.Parse(l.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return Place{}, charm.Errorf(charm.CodeUsage, "bad value %q for CHARMD_URL", l.URL).
				WithHint("allowed: an http or https address, such as http://127.0.0.1:8000")
		}
	} else {
		files, err := runtimeFiles(l.RuntimeDir)
		if err != nil {
			return Place{}, err
		}
		file, ok, err := l.ours(files)
		switch {
		case err != nil:
			return Place{}, err
		case ok:
			p.URL, p.DataDir, p.Pages = file.URL, file.DataDir, file.Pages
			if len(file.Certificates) > 0 {
				p.Certificates = func() []string { return file.current(l.RuntimeDir) }
			}
		default:
			p.URL, p.Other = l.Default, whose(files, l.Default)
			p.Absent = l.Token == "" && l.Held != nil && !l.Held(p.DataDir)
		}
	}
	p.Token, p.Given = l.Token, l.Token != ""
	if p.Given || p.Named && elsewhere(p.URL) {
		return p, nil
	}
	token, err := readToken(p.DataDir) // also when it is of no use: who may not read it may not see who has the directory
	if err != nil {
		return Place{}, err
	}
	if !p.Absent {
		p.Token = token
	}
	return p, nil
}

// elsewhere reports whether an address that somebody gave leads to another machine, as
// far as it says itself: what is no loopback address may be anybody's, and gets no
// token that it was not given.
func elsewhere(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return true
	}
	if host := u.Hostname(); host != "localhost" {
		ip, err := netip.ParseAddr(host)
		return err != nil || !ip.Unmap().IsLoopback()
	}
	return false
}

// whose is the data directory of the daemon that has the address of a URL, "" when
// none is known that has.
func whose(files []RuntimeFile, address string) string {
	for _, f := range files {
		if there, err := url.Parse(f.URL); err == nil && strings.HasSuffix(address, "://"+there.Host) {
			return f.DataDir
		}
	}
	return ""
}

// ours is the file of the daemon that is meant.
func (l Lookup) ours(files []RuntimeFile) (RuntimeFile, bool, error) {
	dir, err := realPath(l.DataDir)
	if err != nil {
		return RuntimeFile{}, false, err
	}
	for _, f := range files {
		if f.DataDir == dir {
			return f, true, nil
		}
	}
	if !l.DataDirGiven && len(files) == 1 {
		return files[0], true, nil
	}
	return RuntimeFile{}, false, nil
}

// readToken is the token of the daemon of the data directory, "" when that has
// none yet.
func readToken(dataDir string) (string, error) {
	file, err := os.Open(filepath.Join(dataDir, TokenFile))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return "", nil
	case errors.Is(err, fs.ErrPermission):
		return "", charm.Errorf(charm.CodeForbidden, "the token of charmd may not be read: %w", err).
			WithHint("run the command as the user that charmd runs as, or set CHARMD_TOKEN")
	case err != nil:
		return "", fmt.Errorf("token: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenBytes))
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
