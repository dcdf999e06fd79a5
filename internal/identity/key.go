package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// SeedSize is the length of a seed in bytes.
const SeedSize = ed25519.SeedSize

// Key is an identity that can sign. However it is printed, logged or
// marshalled, it shows its DID and never its seed; MarshalPKCS8PEM alone gives
// the seed away. A Key may be used by many goroutines.
type Key struct {
	// private is a function because fmt prints unexported fields without
	// asking their methods, for some verbs even what pointers lead to, but
	// never what a function holds.
	private func() ed25519.PrivateKey
	public  PublicKey
	did     string
}

// Generate returns a new random key.
func Generate() *Key {
	var seed [SeedSize]byte
	rand.Read(seed[:])
	return newKey(ed25519.NewKeyFromSeed(seed[:]))
}

// FromSeed returns the key of a seed of SeedSize bytes.
func FromSeed(seed []byte) (*Key, error) {
	if len(seed) != SeedSize {
		return nil, fmt.Errorf("a seed has %d bytes, not %d", SeedSize, len(seed))
	}
	return newKey(ed25519.NewKeyFromSeed(seed)), nil
}

// FromPassphrase returns the key of a passphrase, which may be empty. Its
// SHA-256 is the seed, so whoever guesses the passphrase has the key.
func FromPassphrase(passphrase string) *Key { return fromHash([]byte(passphrase)) }

// Derive returns the child of k that has this name. Both together decide which
// key it is, so spaces of one account have keys of their own.
func (k *Key) Derive(name string) *Key { return fromHash(k.Sign([]byte(name))) }

func fromHash(data []byte) *Key {
	seed := sha256.Sum256(data)
	return newKey(ed25519.NewKeyFromSeed(seed[:]))
}

func newKey(private ed25519.PrivateKey) *Key {
	public := PublicKey(private.Public().(ed25519.PublicKey))
	return &Key{func() ed25519.PrivateKey { return private }, public, public.DID()}
}

// Sign returns the 64 byte signature of message; equal messages have equal
// signatures.
func (k *Key) Sign(message []byte) []byte { return ed25519.Sign(k.private(), message) }

// Public returns the public half.
func (k *Key) Public() PublicKey { return k.public }

// DID returns the name of the key: "did:key:z6Mk…".
func (k *Key) DID() string { return k.did }

// String returns the DID.
func (k Key) String() string { return k.did }

// GoString returns the DID as the type of a Go value.
func (k Key) GoString() string { return fmt.Sprintf("identity.Key(%q)", k.did) }

// Format prints the DID for every verb, numeric ones too.
func (k Key) Format(f fmt.State, verb rune) {
	text := k.String()
	if verb == 'v' && f.Flag('#') {
		text = k.GoString()
	}
	io.WriteString(f, text)
}

// LogValue is the DID.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.did) }

// MarshalJSON returns the DID.
func (k Key) MarshalJSON() ([]byte, error) { return json.Marshal(k.did) }

// MarshalText returns the DID.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.did), nil }
