package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"charmd/internal/charm"
)

// maxRuntimeFileBytes is the size limit of a runtime file.
const maxRuntimeFileBytes = 16 << 10

// RuntimeFile is what a running daemon leaves for its clients: one JSON file a
// daemon, named after its port, in a directory that only its user can enter.
type RuntimeFile struct {
	URL     string `json:"url"`
	DataDir string `json:"dataDir"` // absolute, without symbolic links
	PID     int    `json:"pid"`

	// Over TLS: the fingerprints of the certificates that it may show, and the address
	// under whose name browsers take them, "" when that is URL.
	Certificates []string `json:"certificates,omitempty"`
	Pages        string   `json:"pages,omitempty"`
}

// RuntimeDir is the directory of the runtime files: charmd in XDG_RUNTIME_DIR,
// else charmd-UID in the directory of temporary files.
func RuntimeDir(getenv func(string) string) string {
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "charmd")
	}
	temp := getenv("TMPDIR")
	if temp == "" {
		temp = os.TempDir()
	}
	return filepath.Join(temp, "charmd-"+strconv.Itoa(os.Getuid()))
}

// WriteRuntimeFile puts the file where this user's clients look for it.
func WriteRuntimeFile(f RuntimeFile) error { return f.write(RuntimeDir(os.Getenv)) }

// RemoveRuntimeFile takes the file away again, unless another daemon has put its
// own in its place.
func RemoveRuntimeFile(f RuntimeFile) error { return f.remove(RuntimeDir(os.Getenv)) }

// write puts the file into the directory, which it makes if need be. It fails
// when the directory belongs to somebody else, who could then send our clients
// elsewhere.
func (f RuntimeFile) write(dir string) error {
	name, err := f.name()
	if err != nil {
		return err
	}
	if f.DataDir, err = realPath(f.DataDir); err != nil {
		return err
	}
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return WriteBeside(dir, name, append(text, '\n'))
}

// WriteBeside puts a file that only this user can read among the runtime files of
// the directory.
func WriteBeside(dir, name string, text []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("runtime directory: %w", err)
	}
	if err := ours(dir); err != nil {
		return err
	}
	return replace(dir, name, text)
}

// RuntimeFileOf is the path of the file that a daemon at the URL leaves in the
// directory; "" when the URL is none of a daemon.
func RuntimeFileOf(dir, url string) string {
	name, err := RuntimeFile{URL: url}.name()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, name)
}

// replace writes the file in one step, so that no client reads half of it.
func replace(dir, name string, text []byte) error {
	temp, err := os.CreateTemp(dir, ".new-")
	if err != nil {
		return fmt.Errorf("runtime file: %w", err)
	}
	_, err = temp.Write(text)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return fmt.Errorf("runtime file: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}

func (f RuntimeFile) remove(dir string) error {
	name, err := f.name()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	there, err := readRuntimeFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && there.PID != f.PID {
		return nil
	}
	return os.Remove(path)
}

// name is the file's name: the port of the URL.
func (f RuntimeFile) name() (string, error) {
	u, err := url.Parse(f.URL)
	if err != nil {
		return "", fmt.Errorf("runtime file: %w", err)
	}
	if u.Port() == "" {
		return "", fmt.Errorf("runtime file: no port in %q", f.URL)
	}
	return u.Port() + ".json", nil
}

// runtimeFiles reads the files of the daemons that live, the newest first. Those
// of dead ones, and what is no runtime file, it removes. A directory that is
// not there holds none; one that belongs to somebody else is an error.
func runtimeFiles(dir string) ([]RuntimeFile, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = ours(dir)
	}
	if err != nil {
		return nil, err
	}
	type found struct {
		RuntimeFile
		written int64
	}
	var live []found
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		f, err := readRuntimeFile(path)
		if err != nil || !alive(f.PID) {
			// Best effort: what cannot be removed is ignored the next time too.
			_ = os.Remove(path)
			continue
		}
		if info, err := entry.Info(); err == nil {
			live = append(live, found{f, info.ModTime().UnixNano()})
		}
	}
	slices.SortFunc(live, func(a, b found) int { return int(b.written - a.written) })
	files := make([]RuntimeFile, len(live))
	for i, f := range live {
		files[i] = f.RuntimeFile
	}
	return files, nil
}

func readRuntimeFile(path string) (f RuntimeFile, err error) {
	file, err := os.Open(path)
	if err != nil {
		return f, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxRuntimeFileBytes))
	if err != nil {
		return f, err
	}
	return parseRuntimeFile(text)
}

func parseRuntimeFile(text []byte) (f RuntimeFile, err error) {
	if err := json.Unmarshal(text, &f); err != nil {
		return f, err
	}
	u, err := url.Parse(f.URL)
	if err != nil || u.Port() == "" || f.PID <= 0 || u.Scheme != "http" && (u.Scheme != "https" || len(f.Certificates) == 0) {
		return f, errors.New("not a runtime file")
	}
	return f, nil
}

// ours refuses a directory that another user could have filled.
func ours(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("runtime directory: %w", err)
	}
	if !info.IsDir() || !private(info) {
		return charm.Errorf(charm.CodeForbidden, "%s is not a directory that only you can write to", dir).
			WithHint("remove it, or set XDG_RUNTIME_DIR to a directory of your own")
	}
	return nil
}

// realPath is the one path by which a directory is known, whether it is there
// already or not.
func realPath(dir string) (string, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	if resolved, err := filepath.EvalSymlinks(absolute); err == nil {
		return resolved, nil
	}
	return absolute, nil
}
