package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"charmd/internal/client"
	"charmd/internal/config"
	"charmd/internal/disk"
	"charmd/internal/identity"
	"charmd/internal/store/sqlite"
)

// mostLog is the size of the database's log that is worth a word, bytes; it is cut
// at an eighth of that.
const mostLog = 512 << 20

// private are the files that nobody else may read.
var private = []string{config.OperatorFile, config.VaultFile, client.TokenFile, config.DatabaseFile, config.DatabaseFile + "-wal", config.DatabaseFile + "-shm"}

// missing is the one problem of a data directory that is not there, or is none of
// charmd's.
func (p *Patient) missing() []Problem {
	info, err := os.Stat(p.Config.DataDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Problem{{Directory, "there is no data directory " + p.Config.DataDir, "charmd start makes it; or name the one that is meant with --data-dir"}}
	case err != nil:
		return []Problem{{Directory, fmt.Sprintf("the data directory %s cannot be read: %v", p.Config.DataDir, err), "run the command as the user that charmd runs as"}}
	case !info.IsDir():
		return []Problem{{Directory, p.Config.DataDir + " is not a directory", "name the data directory with --data-dir"}}
	}
	for _, name := range private {
		if _, err := os.Lstat(p.inDir(name)); !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return []Problem{{Directory, "there is no charmd data in " + p.Config.DataDir, "name the directory that is meant with --data-dir; charmd start makes the data of a new one"}}
}

// directory: others who may write to it could put their own files in place of ours.
func directory(p *Patient) []Problem {
	dir := p.Config.DataDir
	info, err := os.Stat(dir)
	if err != nil {
		return []Problem{Of(Directory, err)}
	}
	var found []Problem
	if who, is := strangersFile(info); is {
		found = append(found, Problem{Directory, fmt.Sprintf("the data directory %s belongs to user %d", dir, who), "run charmd as that user, or give the directory to this one with chown"})
	}
	if mode := info.Mode().Perm(); checksModes && mode&0o022 != 0 {
		found = append(found, Problem{Directory, fmt.Sprintf("others may write to the data directory %s (mode %04o)", dir, mode), "chmod 700 " + dir})
	}
	return found
}

// modes: keys, token and everything that charms have stored.
func modes(p *Patient) []Problem {
	var found []Problem
	for _, name := range private {
		path := p.inDir(name)
		info, err := os.Stat(path)
		if err != nil {
			continue // the other checks say what is missing
		}
		if mode := info.Mode().Perm(); checksModes && mode&0o077 != 0 {
			found = append(found, Problem{FileMode, fmt.Sprintf("others may read %s (mode %04o)", path, mode), "chmod 600 " + path + ", or: charmd doctor --repair"})
		}
	}
	if text := p.tlsPair().Exposed(); p.Config.TLS() && text != "" {
		found = append(found, Problem{FileMode, text, "chmod 600 " + p.Config.TLSKey})
	}
	return found
}

// operatorKey: the service's own key, unless it was given another one.
func operatorKey(p *Patient) []Problem {
	cfg := p.Config
	if pass := cfg.OperatorPass.Reveal(); cfg.Identity == "" && pass != "" {
		p.operator = identity.FromPassphrase(pass)
		return nil
	}
	path, restore := p.inDir(config.OperatorFile), "put it back from a backup: the spaces' names were made with it"
	if cfg.Identity != "" {
		path, restore = cfg.Identity, "IDENTITY must name a file with an Ed25519 private key in PKCS8 form"
	}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && cfg.Identity == "" && !p.hasDatabase():
		return nil // never started
	case errors.Is(err, fs.ErrNotExist):
		return []Problem{{KeyMissing, path + " is gone; charmd does not start with another one, which would not be the one of the spaces that there are", restore}}
	case err != nil:
		return []Problem{{KeyInvalid, fmt.Sprintf("%s cannot be read: %v", path, err), "run charmd as the user whose file it is"}}
	}
	if p.operator, err = identity.FromPKCS8(text); err != nil {
		return []Problem{{KeyInvalid, path + " holds no Ed25519 private key", restore}}
	}
	return nil
}

func (p *Patient) hasDatabase() bool {
	_, err := os.Stat(p.database())
	return err == nil
}

func (p *Patient) database() string { return p.inDir(config.DatabaseFile) }

func (p *Patient) inDir(name string) string { return filepath.Join(p.Config.DataDir, name) }

// leastToken is the length of a token that nobody guesses, in characters.
const leastToken = 32

// token: what the commands show to the daemon. A stopped service makes a new one.
func token(p *Patient) []Problem {
	path := p.inDir(client.TokenFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	const anew = "; then start charmd again: it makes a new one"
	if err != nil {
		return []Problem{{Token, fmt.Sprintf("the token %s cannot be read: %v", path, err), "rm " + path + anew}}
	}
	if t := strings.TrimSpace(string(text)); len(t) < leastToken || strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return []Problem{{Token, path + " does not hold a token of charmd's", "rm " + path + anew}}
	}
	return nil
}

// room: runs stop without it.
func room(p *Patient) []Problem {
	lack := p.lack
	if lack == nil {
		size, err := sqlite.Size(p.database())
		if err != nil {
			size = 0 // the other checks say what is wrong with the files
		}
		lack = new(disk.Measure(p.Config, size, false))
	}
	if *lack == (disk.Lack{}) {
		return nil
	}
	return []Problem{{Disk, lack.What, lack.Fix}}
}

// logSize: the log is copied into the database again and again, unless something
// keeps it from being.
func logSize(p *Patient) []Problem {
	info, err := os.Stat(p.database() + "-wal")
	if err != nil || info.Size() <= mostLog {
		return nil
	}
	return []Problem{{LogSize, fmt.Sprintf("the log %s-wal has grown to %d MiB", p.database(), info.Size()>>20), "close programs that have the database open, and start charmd again"}}
}
