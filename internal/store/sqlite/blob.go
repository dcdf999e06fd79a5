package sqlite

import (
	"fmt"

	"charmd/internal/store"
)

var (
	blobColumns = columns{"key", "created", "body"}
	putBlob     = blobColumns.upsert("blob", "key")
	selectBlob  = "select " + blobColumns.of("blob") + " from blob where key = ?"
)

func (v *view) Blob(key string) (b store.Blob, err error) {
	err = v.row(selectBlob, []any{key}, &b.Key, timeOf{&b.At}, &b.Body)
	return b, err
}

func (v *view) BlobKeys() ([]string, error) {
	return list(v.session, "select key from blob order by key", nil, scanText)
}

func (v *view) BlobTotals() (blobs, bytes int64, err error) {
	err = v.row("select count(*), coalesce(sum(length(body)), 0) from blob", nil, &blobs, &bytes)
	return blobs, bytes, err
}

func (t *tx) PutBlob(b store.Blob) error {
	if _, err := t.exec(putBlob, b.Key, millis(b.At), b.Body); err != nil {
		return fmt.Errorf("store blob %s: %w", b.Key, err)
	}
	return nil
}

func (t *tx) DeleteBlob(key string) error {
	if err := t.must("delete from blob where key = ?", key); err != nil {
		return fmt.Errorf("delete blob %s: %w", key, err)
	}
	return nil
}

func scanText(scan func(...any) error) (text string, err error) {
	err = scan(&text)
	return text, err
}
