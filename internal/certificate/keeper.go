package certificate

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"sync/atomic"
	"time"
)

// lookEvery is how often the files are looked at.
const lookEvery = 2 * time.Second

// Keeper serves the pair of two files, also when others take their place. It is safe
// for concurrent use.
type Keeper struct {
	files  Files
	now    func() time.Time
	logger *slog.Logger

	pair    atomic.Pointer[Pair]
	refused atomic.Pointer[string] // why the pair in the files is not the one that is served; nil when it is

	// Of the one goroutine that watches:
	cert, key []byte    // what was read last
	judged    bool      // it was found good, or told of
	warned    time.Time // of the end
}

// Open reads the pair; errors are those of Files.Read.
func Open(files Files, now func() time.Time, logger *slog.Logger) (*Keeper, error) {
	k := &Keeper{files: files, now: now, logger: logger, judged: true}
	var err error
	if k.cert, k.key, err = files.text(); err != nil {
		return nil, err
	}
	pair, err := files.parse(k.cert, k.key, now())
	if err != nil {
		return nil, err
	}
	k.pair.Store(pair)
	if text := files.Exposed(); text != "" {
		logger.Warn(text + "; chmod 600 takes that away")
	}
	return k, nil
}

// Pair is the one that is served.
func (k *Keeper) Pair() *Pair { return k.pair.Load() }

// Trouble lists what a person should see to: the pair in the files that is not
// served, the end of the one that is.
func (k *Keeper) Trouble() (list []string) {
	if why := k.refused.Load(); why != nil {
		list = append(list, "the files for TLS have changed and are not used: "+*why)
	}
	if text := k.Pair().Ending(k.now()); text != "" {
		list = append(list, text)
	}
	return list
}

// TLS is how to serve the pair.
func (k *Keeper) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &k.Pair().chain, nil },
	}
}

// Watch looks at the files until ctx ends. serving is told the pairs that are good
// while one takes the place of the other, and then the one that is served.
func (k *Keeper) Watch(ctx context.Context, serving func(...*Pair)) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			k.look(serving)
			k.warn()
		}
	}
}

// warn tells the log once a day that the certificate ends soon.
func (k *Keeper) warn() {
	now := k.now()
	if text := k.Pair().Ending(now); text != "" && now.Sub(k.warned) >= 24*time.Hour {
		k.warned = now
		k.logger.Warn(text)
	}
}

// look takes another pair that is good. One that is not is told of when it is the
// same at the second look: the first may have seen only one of two files replaced.
func (k *Keeper) look(serving func(...*Pair)) {
	cert, key, err := k.files.text()
	same := bytes.Equal(cert, k.cert) && bytes.Equal(key, k.key)
	k.cert, k.key = cert, key
	if same && k.judged {
		return
	}
	var next *Pair
	if err == nil {
		next, err = k.files.parse(cert, key, k.now())
	}
	k.judged = same || err == nil
	switch old := k.Pair(); {
	case err != nil && same:
		why := err.Error()
		k.refused.Store(&why)
		k.logger.Error("the new certificate for TLS is not used; the one before stays", "err", err, "until", old.Ends())
	case err != nil:
	case next.Fingerprint() == old.Fingerprint():
		k.refused.Store(nil)
	default:
		serving(next, old)
		k.pair.Store(next)
		k.refused.Store(nil)
		serving(next)
		k.logger.Info("a new certificate for TLS is served", "until", next.Ends())
	}
}
