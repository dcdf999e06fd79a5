package blobby

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"charmd/internal/charm"
	"charmd/internal/store"
	"charmd/internal/store/sqlite"
	"charmd/internal/store/sqlite/sqlitetest"
)

func TestBlobsAreBounded(t *testing.T) {
	t.Parallel()
	st := sqlitetest.Open(t, sqlite.Options{})
	blobs := New(st, time.Now, func(store.Tx, string) error { return nil })
	blobs.most = totals{blobs: 20, bytes: 8000}
	put := func(key, body string) charm.ErrorCode {
		if err := blobs.Put(t.Context(), key, []byte(body)); err != nil {
			return charm.CodeOf(err)
		}
		return ""
	}
	for i := range 20 {
		if code := put(fmt.Sprintf("b%02d", i), "[]"); code != "" {
			t.Fatalf("blob %d: %s", i, code)
		}
	}
	if code := put("one-more", "[]"); code != charm.CodeTooLarge {
		t.Errorf("one blob too many: %q", code)
	}
	if code := put("b07", "[1]"); code != "" {
		t.Errorf("one that is there: %s", code)
	}
	if err := blobs.Delete(t.Context(), "b00"); err != nil {
		t.Fatal(err)
	}
	if code := put("one-more", "[]"); code != "" {
		t.Errorf("after one was deleted: %s", code)
	}

	large := `["` + strings.Repeat("x", 996) + `"]`
	for i := 1; i <= 7; i++ {
		if code := put(fmt.Sprintf("b%02d", i), large); code != "" {
			t.Fatalf("large blob %d: %s", i, code)
		}
	}
	if code := put("b08", large); code != charm.CodeTooLarge {
		t.Errorf("too many bytes: %q", code)
	}
	if code := put("b01", large); code != "" {
		t.Errorf("as many as before: %s", code)
	}
	if _, err := blobs.Values(t.Context(), Query{Prefix: "b0"}); charm.CodeOf(err) != charm.CodeTooLarge {
		t.Errorf("an answer that is too large: %v", err)
	}
	if v, err := blobs.Values(t.Context(), Query{Keys: []string{"b01", "none", "one-more"}}); charm.CodeOf(err) != charm.CodeTooLarge {
		t.Errorf("an answer with a large one: %v, %v", v, err)
	}
	if v, err := blobs.Values(t.Context(), Query{Keys: []string{"b10", "none", "one-more"}}); err != nil || v.Len() != 2 {
		t.Errorf("some of them: %v, %v", v, err)
	}
}
