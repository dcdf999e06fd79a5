package egress

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A server may answer with anything. A charm is given a reply within the limits, or one
// line of an error; the ledger counts the same.
func FuzzReply(f *testing.F) {
	for _, raw := range []string{
		"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>",
		"HTTP/1.1 200 \xe4\r\nX: \xff\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<a/>\r\n0\r\nTrailer: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x4a\x04\x04\x00\x00\xff\xff\x43\xbe\xb7\xe8\x01\x00\x00\x00",
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nSet-Cookie: a=b\r\nRetry-After: 99999999999\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 429 \r\nRetry-After: -1\r\nContent-Length: 999999999999\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "\x00", "",
	} {
		f.Add([]byte(raw))
	}
	const most = 8 << 10
	limits := DefaultLimits()
	limits.BodyBytes, limits.PerSecond = most, 0
	f.Fuzz(func(t *testing.T, raw []byte) {
		base, port := serveRaw(t, publicIP, func(c net.Conn) {
			readRequest(c)
			_, _ = c.Write(raw) // who has read enough may be gone
		})
		c := clientFor(t, Options{Limits: limits}, port)
		reply, entry, err := c.Do(t.Context(), Policy{}, Request{URL: base, Redirect: RedirectManual})
		if err != nil {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Message == "" || strings.ContainsAny(e.Message, "\r\n") || entry.Error != e.Message {
				t.Errorf("%q: %v, ledger %+v", raw, err, entry)
			}
			return
		}
		if reply.Status < 200 || reply.Status > 999 || reply.Status != entry.Status || len(reply.Body) > most || entry.BytesIn != int64(len(reply.Body)) {
			t.Errorf("%q: %d with %d bytes, ledger %+v", raw, reply.Status, len(reply.Body), entry)
		}
		for _, h := range append(slices.Clone(reply.Headers), [2]string{"", reply.StatusText}) {
			if h[0] != strings.ToLower(h[0]) || !utf8.ValidString(h[0]+h[1]) || strings.ContainsAny(h[1], "\r\n\x00") {
				t.Errorf("%q: the header %q", raw, h)
			}
		}
	})
}

// Headers that a charm names cannot become others, nor those that are the client's.
func FuzzRequestHeader(f *testing.F) {
	for _, h := range [][2]string{{"Accept", "text/xml"}, {"host", "other"}, {"X\r\nHost", "y"}, {"x", "a\r\n\r\nGET /"}, {"\u017fet-cookie", "\t a \xff"}, {"Transfer-encoding ", "chunked"}} {
		f.Add(h[0], h[1])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		const most = 4 << 10
		header, err := requestHeader([][2]string{{name, value}, {"x-own", "1"}}, most)
		if err != nil {
			if strings.ContainsAny(err.Message, "\r\n\x00") || len(err.Message) > 400 {
				t.Errorf("%q: the message %q", name, err.Message)
			}
			return
		}
		var wire strings.Builder
		if err := header.Write(&wire); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(wire.String(), "\n"); n != strings.Count(wire.String(), "\r\n") || n > 2 || wire.Len() > most+64 {
			t.Errorf("%q: %q is sent as %q", name, value, wire.String())
		}
		for line := range strings.Lines(wire.String()) {
			sent, _, _ := strings.Cut(line, ":")
			for own := range ownHeaders {
				if strings.EqualFold(sent, own) {
					t.Errorf("%q is sent as %q", name, line)
				}
			}
		}
	})
}

// What a recording keeps of headers has no secrets left that cleaning it again would
// take, and addresses without user and fragment.
func FuzzHeadersWithoutSecrets(f *testing.F) {
	for _, h := range [][2]string{
		{"Location", "https://u:p@h.example/?code=x&a=1;token=2#f"}, {"Link", `<https://h/?page=2&access_token=x>; rel="next", <//u@h/#t>`},
		{"Set-Cookie", "a=b"}, {"Content-Location", "http://%zz?key=1"}, {"X-Api-Key", "x"}, {"location", "?%74oken=x&&sig"},
	} {
		f.Add(h[0], h[1])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		clean := headersWithoutSecrets([][2]string{{name, value}})
		if again := headersWithoutSecrets(clean); len(clean) != 1 || again[0] != clean[0] || clean[0][0] != name {
			t.Errorf("%q: %q becomes %q and then %q", name, value, clean, again)
		}
		if secret(name) && clean[0][1] != Redacted {
			t.Errorf("%q: %q becomes %q", name, value, clean)
		}
		if !strings.EqualFold(name, "location") {
			return
		}
		if u, err := url.Parse(clean[0][1]); err == nil && (u.User != nil || u.Fragment != "") {
			t.Errorf("%q becomes %q", value, clean)
		}
	})
}
