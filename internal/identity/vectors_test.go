package identity

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// vectors is the recorded file; every part of it is tested below.
type vectors struct {
	Passphrases []struct {
		Passphrase string
		Seed       hexBytes `json:"seed_hex"`
		DID        string
		Derived    []struct {
			Name      string
			Signature hexBytes `json:"signature_hex"`
			Seed      hexBytes `json:"seed_hex"`
			DID       string
		}
	}
	SystemSpace       struct{ DID, Check string } `json:"system_space"`
	Service           struct{ DID string }        `json:"service_did"`
	RemoteDefaultHome struct{ DID string }        `json:"remote_default_home"`
	Raw               struct {
		Seed     hexBytes `json:"seed_hex"`
		DID      string
		DER      hexBytes `json:"pkcs8_der_hex"`
		PEM      string
		Mnemonic string `json:"mnemonic_24"`
		String   string `json:"base64pad_string"`
	}
	PEMVariants []struct{ Note, PEM, DID string } `json:"pem_variants"`
	Signatures  []struct {
		Message   string   `json:"message_utf8"`
		Signature hexBytes `json:"signature_hex"`
	}
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func recorded(t *testing.T) (v vectors) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "identity.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func check(t *testing.T, k *Key, seed []byte, did string) {
	t.Helper()
	if got := k.private().Seed(); !bytes.Equal(got, seed) {
		t.Errorf("seed %x, want %x", got, seed)
	}
	if k.DID() != did || k.Public().DID() != did {
		t.Errorf("DID %s, want %s", k.DID(), did)
	}
	if public, err := ParseDID(did); err != nil || public != k.Public() {
		t.Errorf("ParseDID(%s) = %v, %v", did, public, err)
	}
}

func TestPassphrases(t *testing.T) {
	t.Parallel()
	v := recorded(t)
	if len(v.Passphrases) == 0 {
		t.Fatal("no vectors")
	}
	for _, p := range v.Passphrases {
		t.Run(p.Passphrase, func(t *testing.T) {
			t.Parallel()
			k := FromPassphrase(p.Passphrase)
			check(t, k, p.Seed, p.DID)
			for _, d := range p.Derived {
				if got := k.Sign([]byte(d.Name)); !bytes.Equal(got, d.Signature) {
					t.Errorf("signature of %q is %x, want %x", d.Name, got, d.Signature)
				}
				check(t, k.Derive(d.Name), d.Seed, d.DID)
			}
		})
	}
}

// The same recorded with the runtime cases.
func TestPassphraseOfAnOperator(t *testing.T) {
	t.Parallel()
	k := FromPassphrase("op")
	if got := k.DID(); got != "did:key:z6MknRfUfpARfjVeDnbz5rkEcsoL4T1dNfxmbZVpexAP1ENo" {
		t.Error(got)
	}
	if got := k.Derive("toolshed-system").DID(); got != "did:key:z6MkvkzCHMqkmQkzhpgMgQjmFJD7taERQBmCCrm7mWZAmyX7" {
		t.Error(got)
	}
}

func TestKnownIdentities(t *testing.T) {
	t.Parallel()
	v := recorded(t)
	for _, tt := range []struct {
		name            string
		key             *Key
		constant, given string
	}{
		{"service", Service(), ServiceDID, v.Service.DID},
		{"system space", SystemSpace(), SystemSpaceDID, v.SystemSpace.DID},
		{"system space, checked", SystemSpace(), SystemSpaceDID, v.SystemSpace.Check},
		{"remote default", DefaultRemoteSpace(), DefaultRemoteSpaceDID, v.RemoteDefaultHome.DID},
		{"anonymous", Anonymous(), AnonymousDID, v.Passphrases[1].DID},
	} {
		if tt.key.DID() != tt.constant || tt.constant != tt.given {
			t.Errorf("%s: key %s, constant %s, recorded %s", tt.name, tt.key.DID(), tt.constant, tt.given)
		}
	}
}

func TestTextForms(t *testing.T) {
	t.Parallel()
	raw := recorded(t).Raw
	k, err := FromSeed(raw.Seed)
	if err != nil {
		t.Fatal(err)
	}
	check(t, k, raw.Seed, raw.DID)
	if got := string(k.MarshalPKCS8PEM()); got != raw.PEM {
		t.Errorf("PEM is\n%s\nwant\n%s", got, raw.PEM)
	}
	if derPrefix+string(raw.Seed) != string(raw.DER) {
		t.Errorf("DER is %x, want %x", derPrefix+string(raw.Seed), raw.DER)
	}
	fromString, err := FromString(raw.String)
	if err != nil {
		t.Fatal(err)
	}
	check(t, fromString, raw.Seed, raw.DID)
	fromMnemonic, err := FromMnemonic(raw.Mnemonic)
	if err != nil {
		t.Fatal(err)
	}
	check(t, fromMnemonic, raw.Seed, raw.DID)
}

func TestPEMVariants(t *testing.T) {
	t.Parallel()
	v := recorded(t)
	if len(v.PEMVariants) == 0 {
		t.Fatal("no vectors")
	}
	for _, p := range v.PEMVariants {
		t.Run(p.Note, func(t *testing.T) {
			k, err := FromPKCS8([]byte(p.PEM))
			if err != nil {
				t.Fatal(err)
			}
			check(t, k, v.Raw.Seed, p.DID)
		})
	}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	v := recorded(t)
	k, err := FromSeed(v.Raw.Seed)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range v.Signatures {
		message := []byte(s.Message)
		if got := k.Sign(message); !bytes.Equal(got, s.Signature) {
			t.Errorf("%q: %x, want %x", s.Message, got, s.Signature)
		}
		if !k.Public().Verify(message, s.Signature) {
			t.Errorf("%q: the signature does not verify", s.Message)
		}
	}
}
