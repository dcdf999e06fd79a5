package store

import "time"

// Blob is a JSON text that a client keeps under a key of its choice.
type Blob struct {
	Key  string
	At   time.Time // of the last write
	Body []byte    // JavaScript text form
}

// BlobReader reads blobs.
type BlobReader interface {
	// Blob is the blob with the key, or ErrNotFound.
	Blob(key string) (Blob, error)
	// BlobKeys lists the keys in order of their bytes.
	BlobKeys() ([]string, error)
	// BlobTotals is how many blobs there are, and the bytes of their bodies.
	BlobTotals() (blobs, bytes int64, err error)
}

// BlobWriter writes blobs.
type BlobWriter interface {
	// PutBlob inserts or replaces the blob with b.Key.
	PutBlob(b Blob) error
	// DeleteBlob removes it; ErrNotFound when it is not there.
	DeleteBlob(key string) error
}
