// Package identity holds the Ed25519 keys that own spaces and sign what is
// sent to a memory, and the did:key names they are known by (memory spec §1).
package identity

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"

	"github.com/mr-tron/base58"
)

// ErrInvalidDID is wrapped by every error of ParseDID.
var ErrInvalidDID = errors.New("not a did:key of an Ed25519 key")

const (
	didPrefix = "did:key:z" // z is multibase for base58btc
	codec     = "\xed\x01"  // varint of the multicodec ed25519-pub
	// maxDID is the length of the longest name 34 bytes can have.
	maxDID = len(didPrefix) + 47
)

// PublicKey is the public half of a Key.
type PublicKey [ed25519.PublicKeySize]byte

// DID returns the name of the key: "did:key:z6Mk…".
func (p PublicKey) DID() string {
	return didPrefix + base58.Encode(append([]byte(codec), p[:]...))
}

// String returns the DID.
func (p PublicKey) String() string { return p.DID() }

// Verify reports whether signature is p's of message.
func (p PublicKey) Verify(message, signature []byte) bool {
	return ed25519.Verify(p[:], message, signature)
}

// ParseDID returns the key that a did:key names. Other methods, and keys of
// other kinds, are errors that wrap ErrInvalidDID.
func ParseDID(did string) (PublicKey, error) {
	name, ok := strings.CutPrefix(did, didPrefix)
	if !ok || len(did) > maxDID {
		return PublicKey{}, refused(did)
	}
	data, err := base58.Decode(name)
	if err != nil || len(data) != len(codec)+ed25519.PublicKeySize || !strings.HasPrefix(string(data), codec) {
		return PublicKey{}, refused(did)
	}
	return PublicKey(data[len(codec):]), nil
}

func refused(did string) error {
	return fmt.Errorf("%.*q is %w: one starts with did:key:z6Mk", 2*maxDID, did, ErrInvalidDID)
}
