// Package certificate keeps the certificate that charmd is reached under when it
// ends TLS itself. It exists so that one place judges a pair of files, at the start,
// when they change, and when the doctor looks; and so that a pair that is no good
// never takes the place of one that is.
package certificate

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"charmd/internal/charm"
)

// maxFileBytes bounds a certificate's file, with those that signed it.
const maxFileBytes = 1 << 20

// Files are where a certificate and its key lie, both in PEM form.
type Files struct {
	Cert string // its own first, then those that signed it
	Key  string
}

// Pair is a certificate with its key.
type Pair struct {
	leaf  *x509.Certificate
	chain tls.Certificate
}

// Read reads a pair that is good at the time. Errors are *charm.Error with
// CodeUsage, and hold nothing of the key.
func (f Files) Read(now time.Time) (*Pair, error) {
	cert, key, err := f.text()
	if err != nil {
		return nil, err
	}
	return f.parse(cert, key, now)
}

// text is what the files hold.
func (f Files) text() (cert, key []byte, err error) {
	if cert, err = readFile("certificate", f.Cert); err == nil {
		key, err = readFile("key", f.Key)
	}
	return cert, key, err
}

func readFile(what, name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxFileBytes {
		err = fmt.Errorf("it is larger than %d MiB", maxFileBytes>>20)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, charm.Errorf(charm.CodeUsage, "the %s for TLS cannot be read: %w", what, err).
			WithHint("--tls-cert and --tls-key name the files; the user that charmd runs as must be able to read them")
	}
	return text, nil
}

func (f Files) parse(cert, key []byte, now time.Time) (*Pair, error) {
	chain, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, f.unusable(err)
	}
	leaf := chain.Leaf
	switch {
	case now.After(leaf.NotAfter):
		return nil, charm.Errorf(charm.CodeUsage, "the certificate in %s has expired on %s", f.Cert, day(leaf.NotAfter)).
			WithHint("renew it, and put the new one in its place")
	case now.Before(leaf.NotBefore):
		return nil, charm.Errorf(charm.CodeUsage, "the certificate in %s is good from %s on only", f.Cert, day(leaf.NotBefore)).
			WithHint("see whether this machine's clock is right")
	}
	return &Pair{leaf, chain}, nil
}

// unusable says which of the files is to blame for what crypto/tls says.
func (f Files) unusable(err error) error {
	switch text := strings.TrimPrefix(err.Error(), "tls: "); {
	case strings.Contains(text, "does not match"):
		return charm.Errorf(charm.CodeUsage, "the key in %s is not that of the certificate in %s", f.Key, f.Cert).
			WithHint("name the two files that were made together; the certificate comes first in its file, before those that signed it")
	case !strings.Contains(text, "certificate input") && (strings.Contains(text, "key input") || strings.Contains(text, "private key")):
		return charm.Errorf(charm.CodeUsage, "%s holds no private key in PEM form, without a passphrase", f.Key).
			WithHint("--tls-key takes a file that begins with -----BEGIN PRIVATE KEY-----")
	}
	return charm.Errorf(charm.CodeUsage, "%s holds no certificate in PEM form", f.Cert).
		WithHint("--tls-cert takes a file that begins with -----BEGIN CERTIFICATE-----")
}

// Exposed says that others than the file's owner and group may read the key; "" when
// they may not.
func (f Files) Exposed() string {
	info, err := os.Stat(f.Key)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o007 == 0 {
		return ""
	}
	return fmt.Sprintf("everybody on this machine may read the key for TLS, %s (mode %04o)", f.Key, info.Mode().Perm())
}

// Ends is the time after which the certificate is not good any more.
func (p *Pair) Ends() time.Time { return p.leaf.NotAfter }

// Fingerprint is the SHA-256 of the certificate, in hexadecimal digits.
func (p *Pair) Fingerprint() string { return Fingerprint(p.leaf) }

// Fingerprint is the SHA-256 of a certificate, in hexadecimal digits.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// Covers reports whether browsers take the certificate for a host of that name or
// address.
func (p *Pair) Covers(host string) bool {
	if net.ParseIP(host) != nil {
		host = "[" + host + "]"
	}
	return p.leaf.VerifyHostname(host) == nil
}

// early is how long before its end a certificate is told of. Those that are renewed
// by themselves are so after two thirds of their time as a rule, so a quarter of it is
// late for short ones.
const early = 14 * 24 * time.Hour

// Ending says that the certificate ends soon, or has ended; "" when there is time.
func (p *Pair) Ending(now time.Time) string {
	left := p.leaf.NotAfter.Sub(now)
	switch {
	case left < 0:
		return "the certificate for TLS has expired on " + day(p.leaf.NotAfter)
	case left < min(early, p.leaf.NotAfter.Sub(p.leaf.NotBefore)/4):
		in := charm.ShortDuration(left.Round(time.Minute))
		if days := int(left / (24 * time.Hour)); days > 1 {
			in = fmt.Sprintf("%d days", days)
		}
		return fmt.Sprintf("the certificate for TLS expires in %s, on %s", in, day(p.leaf.NotAfter))
	}
	return ""
}

// Ended reports whether the certificate is not good any more.
func (p *Pair) Ended(now time.Time) bool { return now.After(p.leaf.NotAfter) }

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
