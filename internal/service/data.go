package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/config"
	"charmd/internal/identity"
	"charmd/internal/store"
)

// ignoreFile keeps a data directory out of what it lies in.
const ignoreFile = ".gitignore"

func unusable(dir string, err error) error {
	return charm.Errorf(charm.CodeDataUnusable, "the data directory %s cannot be used: %w", dir, err).
		WithHint("choose one that this user may write with --data-dir")
}

// makeDataDir makes the data directory on first use, with a .gitignore, because
// it often lies in a checkout.
func makeDataDir(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = ensureFile(filepath.Join(dir, ignoreFile), 0o644, func() []byte { return []byte("*\n") })
	}
	if err != nil {
		return unusable(dir, err)
	}
	return nil
}

// hasLostDatabase refuses a data directory that has its key and not its database:
// an empty one in its place would look as if nothing had ever been there. The key
// is made after the database, so a first start that was interrupted is none.
func hasLostDatabase(cfg config.Config) error {
	if _, err := os.Stat(filepath.Join(cfg.DataDir, config.OperatorFile)); err != nil || !ownKey(cfg) {
		return nil
	}
	file, what := filepath.Join(cfg.DataDir, config.DatabaseFile), "empty"
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		what = "gone"
	case err != nil || info.Size() > 0:
		return nil // opening it says more
	}
	return charm.Errorf(charm.CodeDataCorrupt, "the database %s is %s, and the key of its spaces is still there", file, what).
		WithHint("put %s back from a backup, with its -wal if there is one; or move the directory away to begin anew", config.DatabaseFile)
}

// ownKey reports whether the service signs with the key of the data directory.
func ownKey(cfg config.Config) bool { return cfg.Identity == "" && cfg.OperatorPass == "" }

// hasLostKey refuses a data directory that has spaces and not the key that they
// were made with: with another one their names would mean other spaces.
func (s *Service) hasLostKey(ctx context.Context, cfg config.Config) error {
	file := filepath.Join(cfg.DataDir, config.OperatorFile)
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) || !ownKey(cfg) {
		return nil
	}
	var spaces []charm.Space
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		spaces, err = r.Spaces()
		return err
	})
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(spaces, func(s charm.Space) bool { return s.DID != identity.SystemSpaceDID }) {
		return nil
	}
	return charm.Errorf(charm.CodeDataCorrupt, "%s is gone, and there are spaces that were made with it", file).
		WithHint("put it back from a backup; or name the key with IDENTITY or OPERATOR_PASS as before")
}

// readKeys reads the operator's key and the token of the API, and makes them at
// the first start.
func (s *Service) readKeys(ctx context.Context, cfg config.Config) error {
	if err := s.hasLostKey(ctx, cfg); err != nil {
		return err
	}
	newToken := func() []byte {
		b := make([]byte, 32)
		_, _ = rand.Read(b) // never fails
		return []byte(base64.RawURLEncoding.EncodeToString(b) + "\n")
	}
	file := filepath.Join(cfg.DataDir, client.TokenFile)
	if err := ensureFile(file, 0o600, newToken); err != nil {
		return unusable(cfg.DataDir, err)
	}
	token, err := os.ReadFile(file)
	if err != nil {
		return unusable(cfg.DataDir, err)
	}
	s.token = strings.TrimSpace(string(token))
	s.operator, err = operatorKey(cfg)
	if _, ok := errors.AsType[*charm.Error](err); err != nil && !ok {
		return unusable(cfg.DataDir, err)
	}
	return err
}

// ensureFile writes a file that is not there. It is written beside its place and
// moved, so that a crash leaves no half of it.
func ensureFile(name string, mode fs.FileMode, content func() []byte) error {
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	draft := name + draftSuffix
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(draft, name)
}

// draftSuffix ends the name of a file that is being written.
const draftSuffix = ".new"

// drafts are the files that ensureFile may have left behind in a crash.
func drafts(dir string) []string {
	return []string{filepath.Join(dir, config.OperatorFile+draftSuffix), filepath.Join(dir, client.TokenFile+draftSuffix), filepath.Join(dir, config.VaultFile+draftSuffix)}
}

// operatorKey is OperatorKey, with the data directory's own made at first start.
func operatorKey(cfg config.Config) (*identity.Key, error) {
	if cfg.Identity == "" && cfg.OperatorPass == "" {
		newKey := func() []byte { return identity.Generate().MarshalPKCS8PEM() }
		if err := ensureFile(filepath.Join(cfg.DataDir, config.OperatorFile), 0o600, newKey); err != nil {
			return nil, err
		}
	}
	return OperatorKey(cfg)
}

// OperatorKey is the key the service signs with: that of IDENTITY's file, of
// OPERATOR_PASS, or the data directory's own.
func OperatorKey(cfg config.Config) (*identity.Key, error) {
	if cfg.Identity != "" {
		pem, err := os.ReadFile(cfg.Identity)
		if err != nil {
			return nil, charm.Errorf(charm.CodeUsage, "IDENTITY names %s, which cannot be read: %w", cfg.Identity, err)
		}
		key, err := identity.FromPKCS8(pem)
		if err != nil {
			return nil, charm.Errorf(charm.CodeUsage, "IDENTITY names %s, which holds no Ed25519 private key in PKCS8 form", cfg.Identity)
		}
		return key, nil
	}
	if pass := cfg.OperatorPass.Reveal(); pass != "" {
		if foreign, _ := cfg.Foreign(); pass == identity.ServicePassphrase && !cfg.Dev && foreign == "" {
			return nil, charm.Errorf(charm.CodeUsage, "OPERATOR_PASS is the published passphrase, with which anyone could write every space").
				WithHint("leave it unset: a key of your own is made at first start (or use --dev for trying things out)")
		}
		return identity.FromPassphrase(pass), nil
	}
	file := filepath.Join(cfg.DataDir, config.OperatorFile)
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, charm.Errorf(charm.CodeDataUnusable, "the operator's key cannot be read: %w", err).
			WithHint("name the data directory it lies in with --data-dir, or another key with --identity")
	}
	key, err := identity.FromPKCS8(pem)
	if err != nil {
		return nil, charm.Errorf(charm.CodeDataCorrupt, "%s holds no Ed25519 private key", file).WithHint("put the file back from a backup: the spaces' names were made with it")
	}
	return key, nil
}

// prepare brings a fresh or known database to where the parts expect it.
func (s *Service) prepare(tx store.Tx) error {
	if err := s.states.Load(tx); err != nil {
		return err
	}
	if err := s.belongs(tx); err != nil {
		return err
	}
	if _, err := tx.Space(identity.SystemSpaceDID); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	_, err := tx.PutSpace(charm.Space{DID: identity.SystemSpaceDID, Name: systemSpace, CreatedAt: s.now(), Since: -1})
	return err
}

// systemSpace is the name of the space that holds the registry and the admin charm.
const systemSpace = "toolshed-system"

// owner names this service's data directory in the command lines of its workers.
// It tells whoever lists processes neither the path nor the token.
func (s *Service) owner() string {
	dir, err := filepath.EvalSymlinks(s.config.DataDir)
	if err != nil {
		dir = s.config.DataDir
	}
	sum := sha256.Sum256([]byte(s.token + dir))
	return hex.EncodeToString(sum[:8])
}
