package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// mustFromSeed has a seed that is easy to recognise in what is printed.
func mustFromSeed(t testing.TB, fill byte) *Key {
	t.Helper()
	k, err := FromSeed(bytes.Repeat([]byte{fill}, SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	a, b := Generate(), Generate()
	if a.DID() == b.DID() {
		t.Error("two keys are the same")
	}
	message := []byte("hello")
	signature := a.Sign(message)
	if !a.Public().Verify(message, signature) {
		t.Error("own signature does not verify")
	}
	for name, bad := range map[string]bool{
		"other key":       b.Public().Verify(message, signature),
		"other message":   a.Public().Verify([]byte("hullo"), signature),
		"short signature": a.Public().Verify(message, signature[:63]),
		"no signature":    a.Public().Verify(message, nil),
		"zero key":        PublicKey{}.Verify(message, signature),
	} {
		if bad {
			t.Errorf("%s verifies", name)
		}
	}
	back, err := FromPKCS8(a.MarshalPKCS8PEM())
	if err != nil || back.DID() != a.DID() {
		t.Errorf("read back as %v, %v", back, err)
	}
}

func TestKeyNeverShowsItsSeed(t *testing.T) {
	t.Parallel()
	const fill = 0xAB
	k := mustFromSeed(t, fill)
	type holder struct {
		Key   *Key
		Value Key
		own   Key
		deep  struct{ key *Key }
	}
	h := holder{Key: k, Value: *k, own: *k}
	h.deep.key = k
	shown := map[string]string{}
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "d", "x", "X", "#x", "o", "b", "c", "U", "t", "e", "T", "p", "20d", "-5v"} {
		for name, v := range map[string]any{"pointer": k, "value": *k, "struct": h, "struct pointer": &h, "slice": []*Key{k}, "map": map[string]Key{"k": *k}} {
			shown["%"+verb+" of a "+name] = fmt.Sprintf("%"+verb, v)
		}
	}
	for name, v := range map[string]any{"pointer": k, "value": *k, "struct": h} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		shown["JSON of a "+name] = string(text)
		var plain, structured bytes.Buffer
		slog.New(slog.NewTextHandler(&plain, nil)).Info("m", "key", v)
		slog.New(slog.NewJSONHandler(&structured, nil)).Info("m", "key", v)
		shown["log of a "+name], shown["JSON log of a "+name] = plain.String(), structured.String()
	}
	shown["error"] = fmt.Errorf("with %v", k).Error()

	seed := bytes.Repeat([]byte{fill}, 4)
	for how, text := range shown {
		for _, leak := range []string{
			string(seed), hex.EncodeToString(seed), strings.ToUpper(hex.EncodeToString(seed)), "171 171", "171, 171", "0xab, 0xab", "0xab 0xab", "253 253", "10101011 10101011",
			base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 6)),
		} {
			if strings.Contains(text, leak) {
				t.Errorf("%s shows %q: %s", how, leak, text)
			}
		}
	}
	for _, how := range []string{"%v of a pointer", "%d of a value", "%x of a pointer", "%s of a slice", "JSON of a value", "JSON of a struct", "log of a pointer", "JSON log of a value", "error"} {
		if !strings.Contains(shown[how], k.DID()) {
			t.Errorf("%s does not say who it is: %s", how, shown[how])
		}
	}
	if got := fmt.Sprintf("%#v", k); got != `identity.Key("`+k.DID()+`")` {
		t.Error(got)
	}
	if got := k.String(); got != k.DID() {
		t.Error(got)
	}
	if text, err := k.MarshalText(); err != nil || string(text) != k.DID() {
		t.Errorf("%s, %v", text, err)
	}
	if got := fmt.Sprint(Key{}); got != "" {
		t.Errorf("a key that was never made prints %q", got)
	}
}

func TestRefusedTextForms(t *testing.T) {
	t.Parallel()
	k := mustFromSeed(t, 7)
	pem := string(k.MarshalPKCS8PEM())
	seed := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, SeedSize))
	mnemonic := strings.Repeat("abandon ", 23)
	withDER := func(prefix string, size int) string {
		return pemBegin + "\n" + base64.StdEncoding.EncodeToString([]byte(prefix+strings.Repeat("\x07", size))) + "\n" + pemEnd
	}
	tests := []struct {
		name string
		read func(string) (*Key, error)
		text string
		ok   bool
	}{
		{"string", FromString, "M" + seed, true},
		{"string without its letter", FromString, seed, false},
		{"string in another base", FromString, "m" + seed, false},
		{"string without padding", FromString, "M" + strings.TrimRight(seed, "="), false},
		{"string with a line break", FromString, "M" + seed[:8] + "\n" + seed[8:], false},
		{"string of 31 bytes", FromString, "M" + base64.StdEncoding.EncodeToString(make([]byte, 31)), false},
		{"string of 33 bytes", FromString, "M" + base64.StdEncoding.EncodeToString(make([]byte, 33)), false},
		{"empty string", FromString, "", false},

		{"24 words", FromMnemonic, mnemonic + "art", true},
		{"24 words, spread", FromMnemonic, "  " + strings.Repeat("abandon\n\t", 23) + " art\n", true},
		{"a wrong last word", FromMnemonic, mnemonic + "zoo", false},
		{"an unknown word", FromMnemonic, mnemonic + "arte", false},
		{"12 words", FromMnemonic, strings.Repeat("abandon ", 11) + "about", false},
		{"25 words", FromMnemonic, mnemonic + "art art", false},
		{"no words", FromMnemonic, "", false},
		{"a book", FromMnemonic, strings.Repeat("abandon ", maxText), false},

		{"PEM of OpenSSL", fromPEM, withDER(derPrefix, 32), true},
		{"PEM in short lines", fromPEM, strings.ReplaceAll(pem, "AQ", "A \n\tQ"), true},
		{"PEM of 31 bytes", fromPEM, withDER(derPrefix, 31), false},
		{"PEM of 33 bytes", fromPEM, withDER(derPrefix, 33), false},
		{"PEM of another key type", fromPEM, withDER(strings.Replace(derPrefix, "\x70", "\x6e", 1), 32), false},
		{"PEM of a public key", fromPEM, strings.ReplaceAll(pem, "PRIVATE", "PUBLIC"), false},
		{"two PEM blocks", fromPEM, pem + "\n" + pem, false},
		{"two letters M", fromPEM, strings.Replace(pem, "\nM", "\nMM", 1), false},
		{"cut PEM", fromPEM, pem[:len(pem)/2], false},
		{"empty PEM", fromPEM, "", false},
		{"long file", fromPEM, pem + strings.Repeat(" ", maxText), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, err := tt.read(tt.text)
			if tt.ok {
				if err != nil || !strings.HasPrefix(k.DID(), "did:key:z6Mk") {
					t.Errorf("got %v, %v", k, err)
				}
				return
			}
			if k != nil || !errors.Is(err, ErrInvalidKey) {
				t.Fatalf("got %v, %v", k, err)
			}
			for i := 0; i+8 <= len(tt.text); i++ {
				if part := tt.text[i : i+8]; strings.TrimSpace(part) == part && strings.Contains(err.Error(), part) {
					t.Errorf("the error repeats %q of what may be a key: %v", part, err)
				}
			}
		})
	}
	if _, err := FromSeed(make([]byte, 31)); err == nil {
		t.Error("a short seed was taken")
	}
}

func fromPEM(text string) (*Key, error) { return FromPKCS8([]byte(text)) }

func TestMnemonicOfZeros(t *testing.T) {
	t.Parallel()
	k, err := FromMnemonic(strings.Repeat("abandon ", 23) + "art")
	if err != nil {
		t.Fatal(err)
	}
	check(t, k, make([]byte, SeedSize), k.DID())
}

func FuzzFromPKCS8(f *testing.F) {
	pem := mustFromSeed(f, 7).MarshalPKCS8PEM()
	f.Add(pem)
	f.Add([]byte(strings.Replace(string(pem), "\nMM", "\nM", 1)))
	f.Add([]byte(pemBegin + pemEnd))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := FromPKCS8(data)
		if err != nil {
			if k != nil || !errors.Is(err, ErrInvalidKey) {
				t.Fatalf("%v, %v", k, err)
			}
			return
		}
		if back, err := FromPKCS8(k.MarshalPKCS8PEM()); err != nil || back.DID() != k.DID() {
			t.Fatalf("%v reads back as %v, %v", k, back, err)
		}
	})
}
