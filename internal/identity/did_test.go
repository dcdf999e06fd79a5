package identity

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/mr-tron/base58"
	"pgregory.net/rapid"
)

func TestParseDIDRefuses(t *testing.T) {
	t.Parallel()
	did := mustFromSeed(t, 1).DID()
	made := func(bytes string) string { return didPrefix + base58.Encode([]byte(bytes)) }
	key := strings.Repeat("k", 32)
	for name, did := range map[string]string{
		"empty":             "",
		"prefix alone":      "did:key:z",
		"other method":      "did:web:example.org",
		"plain name":        "home",
		"upper case":        strings.ToUpper(did),
		"other multibase":   strings.Replace(did, "key:z", "key:m", 1),
		"white space":       did + " ",
		"fragment":          did + "#" + did[8:],
		"0 is no digit":     did[:20] + "0" + did[21:],
		"not ASCII":         did[:20] + "é" + did[22:],
		"31 bytes":          made(codec + key[1:]),
		"33 bytes":          made(codec + key + "k"),
		"leading zero":      made("\x00" + codec + key),
		"secp256k1":         made("\xe7\x01" + key),
		"X25519":            made("\xec\x01" + key),
		"no codec":          made(key + "kk"),
		"endless":           did + strings.Repeat("1", 1<<20),
		"path out of a dir": "../escape",
	} {
		got, err := ParseDID(did)
		if !errors.Is(err, ErrInvalidDID) || got != (PublicKey{}) {
			t.Errorf("%s: %v, %v", name, got, err)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}

func TestDIDRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p PublicKey
		copy(p[:], rapid.SliceOfN(rapid.Byte(), len(p), len(p)).Draw(t, "bytes"))
		if got, err := ParseDID(p.DID()); err != nil || got != p {
			t.Fatalf("%s reads as %v, %v", p, got, err)
		}
		if fmt.Sprint(p) != p.DID() {
			t.Fatalf("printed as %v", p)
		}
	})
}

func FuzzParseDID(f *testing.F) {
	did := mustFromSeed(f, 1).DID()
	for _, s := range []string{"", didPrefix, did, did[:len(did)-1], did + "1", "did:web:a", "did:key:z1" + did[9:]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseDID(s)
		if err != nil {
			if !errors.Is(err, ErrInvalidDID) {
				t.Fatal(err)
			}
			return
		}
		if p.DID() != s {
			t.Fatalf("%q reads as %s", s, p)
		}
	})
}

func BenchmarkParseDID(b *testing.B) {
	did := mustFromSeed(b, 1).DID()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseDID(did); err != nil {
			b.Fatal(err)
		}
	}
}
