package webhost

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"strings"
)

// Digest is crypto.subtle.digest: the hash of data by the algorithm of a name
// such as "SHA-256".
func Digest(algorithm string, data []byte) ([]byte, error) {
	switch strings.ToUpper(algorithm) {
	case "SHA-1":
		sum := sha1.Sum(data)
		return sum[:], nil
	case "SHA-256":
		sum := sha256.Sum256(data)
		return sum[:], nil
	case "SHA-384":
		sum := sha512.Sum384(data)
		return sum[:], nil
	case "SHA-512":
		sum := sha512.Sum512(data)
		return sum[:], nil
	}
	return nil, &Exception{"NotSupportedError", "Unrecognized algorithm name: " + algorithm}
}
