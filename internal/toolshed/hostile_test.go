package toolshed

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hostile serves a toolshed to whoever speaks to it in bytes of their own.
func hostile(t *testing.T) (dial func(text string) net.Conn) {
	t.Helper()
	shed := newToolshed(idle{})
	server := shed.Server(nil)
	listener, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(func() { _ = server.Close() })
	return func(text string) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(c, text) }()
		return c
	}
}

// Row 25: requests as a client writes them that means harm, byte by byte. What is
// ambiguous is refused, and what names a host names one.
func TestFault25_RequestsThatMeanTwoThings(t *testing.T) {
	t.Parallel()
	dial := hostile(t)
	const host, bearer, end = "Host: 127.0.0.1\r\n", "Authorization: Bearer right\r\n", "Connection: close\r\n\r\n"
	status := func(text string) int {
		t.Helper()
		answer, err := http.ReadResponse(bufio.NewReader(dial(text)), nil)
		if err != nil {
			return 0
		}
		defer answer.Body.Close()
		return answer.StatusCode
	}
	for text, want := range map[string]int{
		"GET /healthz HTTP/1.1\r\n" + host + end: 200,
		// smuggling
		"POST /healthz HTTP/1.1\r\n" + host + "Content-Length: 0\r\nContent-Length: 5\r\n" + end + "abcde":          400,
		"POST /healthz HTTP/1.1\r\n" + host + "Content-Length: +5\r\n" + end + "abcde":                              400,
		"POST /healthz HTTP/1.1\r\n" + host + "Content-Length: -1\r\n" + end:                                        400,
		"POST /healthz HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n" + end:                               501,
		"POST /healthz HTTP/1.1\r\n" + host + "Transfer-Encoding : chunked\r\n" + end:                               400,
		"POST /healthz HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" + end: 501,
		"GET /healthz HTTP/1.1\r\n" + host + "X: a\rY: b\r\n" + end:                                                 400,
		"GET /healthz HTTP/1.1\r\n" + host + "X: a\x00\r\n" + end:                                                   400,
		"GET /healthz\r\n\r\n":                   400,
		"GET /healthz HTTP/3.0\r\n" + host + end: 505,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":       403,
		"POST /api/v1/pause HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n" + end + "0\r\n" + bearer + "\r\n": 401,
		// two hosts, or none
		"GET /healthz HTTP/1.1\r\n" + host + "Host: evil.example\r\n" + end:                    400,
		"GET /healthz HTTP/1.1\r\n" + end:                                                      400,
		"GET /healthz HTTP/1.0\r\n\r\n":                                                        403,
		"GET http://evil.example/healthz HTTP/1.1\r\n" + host + end:                            403,
		"GET http://127.0.0.1/healthz HTTP/1.1\r\nHost: evil.example\r\n" + end:                200, // the target counts
		"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n" + end: 403,
		"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n":                          401,
		"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n" + bearer + "\r\n":            404,
		// another method, another path
		"TRACE /healthz HTTP/1.1\r\n" + host + bearer + end:                                                         404,
		"GET /healthz HTTP/1.1\r\n" + host + "X-HTTP-Method-Override: DELETE\r\nX-Original-URL: /metrics\r\n" + end: 200,
		"GET /healthz/../api/v1/status HTTP/1.1\r\n" + host + end:                                                   401,
		"GET /healthz%2f..%2fapi/v1/status HTTP/1.1\r\n" + host + end:                                               401,
		"GET /assets/..%2f..%2fadmin.token HTTP/1.1\r\n" + host + end:                                               401,
		"GET /HEALTHZ HTTP/1.1\r\n" + host + end:                                                                    401,
		// too much
		"GET /healthz HTTP/1.1\r\n" + host + strings.Repeat("a: b\r\n", 100_000) + end: 431,
		"GET /" + strings.Repeat("a", 100_000) + " HTTP/1.1\r\n" + host + end:          431,
		// two tokens: the first counts
		"GET /api/v1/status HTTP/1.1\r\n" + host + "Authorization: Bearer wrong\r\n" + bearer + end: 401,
	} {
		if got := status(text); got != want {
			t.Errorf("%d, want %d: %.200q", got, want, text)
		}
	}
}

func TestHostsAndPages(t *testing.T) {
	t.Parallel()
	shed := newToolshed(idle{})
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:8000": 200, "LOCALHOST:80": 200, "[::1]": 200, "[::1]:80": 200, "::1": 200, "[::ffff:127.0.0.1]": 200, "127.0.0.2": 200,
		"127.0.0.1:abc": 403, "[[::1]]": 403, "[localhost]": 403, "localhost.": 403, "127.1": 403, "2130706433": 403, "0x7f.1": 403, "a.localhost": 403,
		"localhost@evil.example": 403, "evil.example@localhost": 403, "localhost/evil": 403, "localhost,evil.example": 403, "localhost evil": 403, "localhost#": 403, "localhost?": 403, ":80": 403, "[]": 403, "[::]": 403, "0.0.0.0": 403,
	} {
		if w := ask(shed, "GET", "/healthz", host); w.Code != want {
			t.Errorf("host %q: %d", host, w.Code)
		}
	}
	for page, want := range map[string]int{
		"http://127.0.0.1:8000": 200, "HTTP://127.0.0.1:8000": 200,
		"http://127.0.0.1:8000/": 403, "http://user@127.0.0.1:8000": 403, "http://127.0.0.1:8000#x": 403, "http://127.0.0.1:8000/evil": 403, "http://127.0.0.1:8000?": 403,
		"http://127.0.0.1": 403, "http://localhost:8000": 403, "https://127.0.0.1:8000": 403, "//127.0.0.1:8000": 403, "127.0.0.1:8000": 403, "file://": 403, "null": 403,
		"http://127.0.0.1:8000, http://evil.example": 403, "http://evil.example#127.0.0.1:8000": 403, "": 403,
	} {
		if w := ask(shed, "GET", "/healthz", "127.0.0.1:8000", "Origin", page); w.Code != want {
			t.Errorf("origin %q: %d", page, w.Code)
		}
	}
}
