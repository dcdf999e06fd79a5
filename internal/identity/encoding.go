package identity

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/cosmos/go-bip39"
)

// ErrInvalidKey is wrapped by the errors about keys in a text form. None of
// them repeats any of the text, which may be a key but for one character.
var ErrInvalidKey = errors.New("not a key")

const (
	// multibase64 is the multibase letter of padded base64.
	multibase64 = "M"
	// derPrefix makes PKCS#8 of the seed that follows it.
	derPrefix = "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"
	pemBegin  = "-----BEGIN PRIVATE KEY-----"
	pemEnd    = "-----END PRIVATE KEY-----"
	// maxText bounds the text forms that are looked at.
	maxText = 4 << 10
	words   = 24
)

var base64pad = base64.StdEncoding.Strict()

// FromString reads the multibase form of a seed: M and padded base64.
func FromString(text string) (*Key, error) {
	digits, ok := strings.CutPrefix(text, multibase64)
	seed, err := decodeBase64(digits)
	if !ok || err != nil || len(seed) != SeedSize {
		return nil, fmt.Errorf("%w: its text form is the letter M and the base64 of %d bytes", ErrInvalidKey, SeedSize)
	}
	return FromSeed(seed)
}

// FromMnemonic reads a seed written as 24 English BIP-39 words. The words'
// entropy itself is the seed, not what BIP-39 would stretch it to.
func FromMnemonic(mnemonic string) (*Key, error) {
	if len(mnemonic) > maxText {
		return nil, fmt.Errorf("%w: %d bytes are too long for %d words", ErrInvalidKey, len(mnemonic), words)
	}
	list := strings.Fields(mnemonic)
	if len(list) != words {
		return nil, fmt.Errorf("%w: a mnemonic has %d words, not %d", ErrInvalidKey, words, len(list))
	}
	entropy, err := bip39.MnemonicToByteArray(strings.Join(list, " "))
	if err != nil {
		return nil, fmt.Errorf("%w: a word is not on the English BIP-39 list, or one was mistyped (the checksum is wrong)", ErrInvalidKey)
	}
	return FromSeed(entropy[:SeedSize]) // the checksum follows
}

// FromPKCS8 reads the PEM file of a private key, in the form of OpenSSL or in
// that of the original, which puts the multibase letter M before the base64.
func FromPKCS8(pem []byte) (*Key, error) {
	if len(pem) > maxText {
		return nil, fmt.Errorf("%w: a PEM file of a key is never as long as %d bytes", ErrInvalidKey, len(pem))
	}
	text := strings.NewReplacer(pemBegin, "", pemEnd, "").Replace(string(pem))
	text = strings.Join(strings.FieldsFunc(text, unicode.IsSpace), "")
	for _, digits := range []string{text, strings.TrimPrefix(text, multibase64)} {
		der, err := decodeBase64(digits)
		if seed, ok := bytes.CutPrefix(der, []byte(derPrefix)); ok && err == nil && len(seed) == SeedSize {
			return FromSeed(seed)
		}
	}
	return nil, fmt.Errorf("%w: expected the PEM file of one Ed25519 private key (PKCS#8), as openssl genpkey -algorithm ed25519 writes it", ErrInvalidKey)
}

// MarshalPKCS8PEM returns the PEM file that the original writes and reads: it
// has the multibase letter M before the base64, so OpenSSL does not read it.
func (k *Key) MarshalPKCS8PEM() []byte {
	der := append([]byte(derPrefix), k.private().Seed()...)
	return []byte(pemBegin + "\n" + multibase64 + base64pad.EncodeToString(der) + "\n" + pemEnd)
}

// decodeBase64 is strict: encoding/base64 alone would skip line breaks.
func decodeBase64(digits string) ([]byte, error) {
	if strings.ContainsAny(digits, "\r\n") {
		return nil, ErrInvalidKey
	}
	return base64pad.DecodeString(digits)
}
