package formats_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"
	"testing"
	"unicode/utf8"

	"charmd/internal/worker/inside/formats"
	"charmd/internal/worker/inside/webhost"
)

// parts is what Multipart gives.
type parts struct {
	Parts []struct {
		Headers map[string]string
		Body    string
	}
	Complete bool
}

func multipart(t *testing.T, body []byte, contentType string) (got parts, ok bool) {
	t.Helper()
	text, err := formats.Multipart(body, contentType)
	if err != nil {
		if _, ok := errors.AsType[*webhost.Exception](err); !ok {
			t.Fatalf("%q: a recipe is told %v", contentType, err)
		}
		return got, false
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return got, true
}

// What comes out of a body of parts is bounded by the body, and what was put into one
// comes out of it as it would without.
func FuzzMultipart(f *testing.F) {
	f.Add([]byte("--b\r\nContent-Type: text/plain; charset=windows-1252\r\n\r\n\xe9\r\n--b--\r\n"), "multipart/mixed; boundary=b")
	f.Add([]byte("--b\nContent-ID: <1>\nContent-Type: application/http\n\nHTTP/1.1 200 OK\n\n{}\n--b"), `Multipart/Mixed; boundary="b"`)
	f.Add([]byte("--\r\n\r\n--\r\n"), "multipart/x; boundary=-")
	f.Add([]byte("\xff\xfea\x00"), "text/plain")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		if got, ok := multipart(t, body, contentType); ok {
			size := 0
			for _, p := range got.Parts {
				size += len(p.Body)
				for name := range p.Headers {
					if name != strings.ToLower(name) {
						t.Errorf("a header is called %q", name)
					}
				}
			}
			if len(got.Parts) > 1000 || size > 3*len(body) {
				t.Errorf("%d bytes become %d parts of %d bytes", len(body), len(got.Parts), size)
			}
		}
		const boundary = "2f6c1a-between"
		if bytes.Contains(body, []byte(boundary)) {
			return
		}
		wrapped := fmt.Sprintf("--%s\r\nX: y\r\n\r\n%s\r\n--%[1]s--\r\n", boundary, body)
		got, ok := multipart(t, []byte(wrapped), "multipart/mixed; boundary="+boundary)
		want, err := formats.Text(body, "")
		if err != nil || !ok || len(got.Parts) != 1 || !got.Complete || got.Parts[0].Headers["x"] != "y" || got.Parts[0].Body != want {
			t.Errorf("%q is wrapped and comes out as %+v (%v)", body, got, err)
		}
	})
}

// A header that was encoded as mails are is read as what it was; one that is plain stays.
func FuzzHeader(f *testing.F) {
	for _, text := range []string{"=?utf-8?q?caf=C3=A9?=", "=?iso-8859-1?B?6Q==?= =?windows-1252?Q?=80?=", "=?gb18030?b?", "Grüße, plain", "=?x?q?=?="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := formats.Header(text)
		if !strings.Contains(text, "=?") && got != text {
			t.Errorf("%q is read as %q", text, got)
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) || len(got) > 3*len(text) {
			t.Errorf("%q is read as %q", text, got)
		}
		for _, encoding := range []mime.WordEncoder{mime.QEncoding, mime.BEncoding} {
			encoded := encoding.Encode("utf-8", text)
			if encoded != text && utf8.ValidString(text) && formats.Header(encoded) != text {
				t.Errorf("%q comes back as %q", text, formats.Header(encoded))
			}
		}
	})
}
