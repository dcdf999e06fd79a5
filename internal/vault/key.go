package vault

import (
	"bufio"
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"charmd/internal/charm"
	"charmd/internal/config"
)

// KeyFile is the file of the data directory that holds the vault's keys, one a
// line in base64: the first seals, the others open what was sealed before.
const KeyFile = config.VaultFile

// key is one 32-byte key.
type key struct {
	id   string // 16 hexadecimal digits that follow from the key and do not give it away
	text string // base64
	aead cipher.AEAD
}

// parseKey reads a key's base64. The error does not repeat it.
func parseKey(text string) (key, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != chacha20poly1305.KeySize {
		return key{}, errors.New("it is not 32 bytes in base64")
	}
	aead, err := chacha20poly1305.NewX(raw)
	if err != nil {
		return key{}, err
	}
	sum := sha256.Sum256(append([]byte("charmd vault key\x00"), raw...))
	return key{id: hex.EncodeToString(sum[:8]), text: text, aead: aead}, nil
}

// newKey makes a key.
func newKey() (key, error) {
	raw := make([]byte, chacha20poly1305.KeySize)
	_, _ = rand.Read(raw) // never fails
	return parseKey(base64.StdEncoding.EncodeToString(raw))
}

// parseKeys reads keys between white space or commas. where is told with an error.
func parseKeys(text, where string) (ring, error) {
	var keys ring
	lines := bufio.NewScanner(strings.NewReader(strings.ReplaceAll(text, ",", "\n")))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return nil, charm.Errorf(charm.CodeDataCorrupt, "key %d of the vault, in %s, cannot be used: %w", len(keys)+1, where, err).
				WithHint("put back the key that the secrets were sealed with")
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, charm.Errorf(charm.CodeDataCorrupt, "there is no key of the vault in %s", where).WithHint("put back the key that the secrets were sealed with")
	}
	return keys, nil
}

// ring is the keys at hand. The first seals.
type ring []key

// find is the key with the id.
func (r ring) find(id string) (key, bool) {
	for _, k := range r {
		if k.id == id {
			return k, true
		}
	}
	return key{}, false
}

// ids are the keys' ids, for people.
func (r ring) ids() string {
	ids := make([]string, len(r))
	for i, k := range r {
		ids[i] = k.id
	}
	return strings.Join(ids, ", ")
}

// write puts the keys into the data directory. The file is whole at any time: it
// is written beside its place and moved.
func (r ring) write(dir string) error {
	var text bytes.Buffer
	for _, k := range r {
		text.WriteString(k.text + "\n")
	}
	name := filepath.Join(dir, KeyFile)
	draft, err := os.OpenFile(name+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = draft.Write(text.Bytes())
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), name); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the file's new place durable: a key that a crash takes away takes
// with it what it has sealed.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(ignoreUnsupported(d.Sync()), d.Close())
}

// ignoreUnsupported is err, nil where directories cannot be made durable.
func ignoreUnsupported(err error) error {
	if errors.Is(err, fs.ErrInvalid) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}
