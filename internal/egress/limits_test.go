package egress

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const short = 100 * time.Millisecond

// TestFault11_HostileServers: whatever a server does, the request ends within
// its limits and with the right code.
func TestFault11_HostileServers(t *testing.T) {
	t.Parallel()
	small := Limits{BodyBytes: 1 << 20, HeaderBytes: 8 << 10}
	for _, test := range []struct {
		what   string
		handle func(c net.Conn)
		want   Code
		says   string
	}{
		{"says nothing", func(c net.Conn) { io.Copy(io.Discard, c) }, CodeTimeout, "no response headers within 100ms"},
		{"closes at once", func(c net.Conn) {}, CodeProtocol, "failed"},
		{"one header byte at a time", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
			drip(c)
		}, CodeTimeout, "no response headers within 100ms"},
		{"one body byte at a time", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			drip(c)
		}, CodeTimeout, "longer than 1s in all"},
		{"one byte of a redirect's body at a time", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n")
			drip(c)
		}, CodeRedirects, "5 redirects"},
		{"endless body", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			flood(c, bytes.Repeat([]byte("x"), 32<<10))
		}, CodeTooLarge, "body is larger than"},
		{"endless chunks", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			flood(c, []byte("1000\r\n"+strings.Repeat("x", 4096)+"\r\n"))
		}, CodeTooLarge, "body is larger than"},
		{"endless chunk extension", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")
			flood(c, bytes.Repeat([]byte("x"), 4096))
		}, CodeProtocol, "failed"},
		{"large body announced", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
			io.Copy(io.Discard, c)
		}, CodeTooLarge, "body is larger than"},
		{"body shorter than announced", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
		}, CodeProtocol, "EOF"},
		{"endless headers", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			flood(c, []byte("X-Header: "+strings.Repeat("x", 1000)+"\r\n"))
		}, CodeTooLarge, "headers are larger than 8192"},
		{"one endless header", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
			flood(c, bytes.Repeat([]byte("x"), 4096))
		}, CodeTooLarge, "headers are larger"},
		{"endless early hints", func(c net.Conn) {
			readRequest(c)
			flood(c, []byte("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"))
		}, CodeTooLarge, "headers are larger"},
		{"not HTTP", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "SSH-2.0-OpenSSH_9.9\r\n\x00\x01")
		}, CodeProtocol, "malformed"},
		{"two lengths", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
		}, CodeProtocol, "Content-Length"},
		{"broken gzip", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\nabcdefghijklmnopqrst")
		}, CodeProtocol, "gzip"},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			base, port := serveRaw(t, publicIP, test.handle)
			limits := small // only the time that is tested is short: the machine may be busy
			if strings.Contains(test.says, "headers within") {
				limits.HeaderTimeout = short
			} else if test.want == CodeTimeout {
				limits.TotalTimeout = 10 * short
			}
			_, entry, err := get(t, clientFor(t, Options{Limits: limits}, port), base)
			if e := wantCode(t, err, entry, test.want); !strings.Contains(e.Message, test.says) {
				t.Errorf("%q does not say %q", e.Message, test.says)
			}
			if entry.BytesIn > small.BodyBytes {
				t.Errorf("read %d bytes", entry.BytesIn)
			}
		})
	}
}

// drip sends a byte now and then until the other side has gone.
func drip(c net.Conn) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := c.Write([]byte("x")); err != nil {
			return
		}
	}
}

func flood(c net.Conn, data []byte) {
	for {
		if _, err := c.Write(data); err != nil {
			return
		}
	}
}

// TestFault11_GzipBomb runs alone: it counts what is allocated.
func TestFault11_GzipBomb(t *testing.T) {
	var bomb bytes.Buffer
	z, _ := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	zeros := make([]byte, 1<<20)
	for range 64 {
		z.Write(zeros)
	}
	z.Close()
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	})
	client := clientFor(t, Options{Limits: Limits{BodyBytes: 1 << 20}}, port)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, entry, err := get(t, client, base)
	runtime.ReadMemStats(&after)
	wantCode(t, err, entry, CodeTooLarge)
	if took := after.TotalAlloc - before.TotalAlloc; entry.BytesIn != 1<<20 || took > 16<<20 {
		t.Errorf("%d bytes were unpacked and %d allocated, the limit is %d", entry.BytesIn, took, 1<<20)
	}
	// A charm cannot switch the counting off by asking for gzip itself.
	_, entry, err = client.Do(t.Context(), Policy{}, Request{URL: base, Headers: [][2]string{{"accept-encoding", "gzip"}}})
	wantCode(t, err, entry, CodeTooLarge)
}

func TestBodyAtTheLimit(t *testing.T) {
	t.Parallel()
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscan(r.URL.Path[1:], &n)
		w.(http.Flusher).Flush() // no Content-Length
		w.Write(make([]byte, n))
	})
	client := clientFor(t, Options{Limits: Limits{BodyBytes: 1000}}, port)
	if reply, _ := mustGet(t, client, base+"/1000"); len(reply.Body) != 1000 {
		t.Errorf("%d bytes, want 1000", len(reply.Body))
	}
	_, entry, err := get(t, client, base+"/1001")
	wantCode(t, err, entry, CodeTooLarge)
}

func TestRequestLimits(t *testing.T) {
	t.Parallel()
	client := clientFor(t, Options{Limits: Limits{RequestBytes: 10, HeaderBytes: 100}})
	for _, test := range []struct {
		what string
		req  Request
		want Code
	}{
		{"body", Request{Method: "POST", Body: make([]byte, 11)}, CodeTooLarge},
		{"headers", Request{Headers: [][2]string{{"a", strings.Repeat("x", 50)}, {"b", strings.Repeat("x", 50)}}}, CodeTooLarge},
		{"header name", Request{Headers: [][2]string{{"a b", "x"}}}, CodeProtocol},
		{"header with a line end", Request{Headers: [][2]string{{"a", "x\r\nHost: evil"}}}, CodeProtocol},
		{"method with a line end", Request{Method: "GET / HTTP/1.1\r\nX:"}, CodeProtocol},
		{"tunnel", Request{Method: "connect"}, CodeProtocol},
		{"address", Request{URL: "http://a.test/" + strings.Repeat("x", maxURLBytes)}, CodeTooLarge},
	} {
		t.Run(test.what, func(t *testing.T) {
			if test.req.URL == "" {
				test.req.URL = "http://a.test/"
			}
			_, entry, err := client.Do(t.Context(), Policy{}, test.req)
			wantCode(t, err, entry, test.want)
		})
	}
}

func TestNothingListens(t *testing.T) {
	t.Parallel()
	_, entry, err := get(t, clientFor(t, Options{}, nobodys), fmt.Sprintf("http://%s:%d", publicIP, nobodys))
	if e := wantCode(t, err, entry, CodeConnect); !e.Retryable || !e.Code.Remote() {
		t.Errorf("%+v: a host that is down is the other side's fault and may come back", e)
	}
}

func TestUnknownName(t *testing.T) {
	t.Parallel()
	client := clientFor(t, Options{Resolver: startNameServer(t, nil).resolver()})
	_, entry, err := get(t, client, "http://nowhere.test/")
	e := wantCode(t, err, entry, CodeDNS)
	if e.Message != "nowhere.test: there is no such host" || entry.Host != "nowhere.test" {
		t.Errorf("message %q, row %+v", e.Message, entry)
	}
}

func TestSilentNameServer(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	// Lookups outlive the request that started them; the test ends them.
	ended, end := context.WithCancel(t.Context())
	defer end()
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ended, "udp", silent.LocalAddr().String())
		if err == nil {
			context.AfterFunc(ended, func() { c.Close() })
		}
		return c, err
	}}
	client := clientFor(t, Options{Resolver: resolver, Limits: Limits{ConnectTimeout: short}})
	_, entry, err := get(t, client, "http://slow.test/")
	wantCode(t, err, entry, CodeDNS)
}

func TestCancelledRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	base, port := serveRaw(t, publicIP, func(c net.Conn) {
		readRequest(c)
		cancel()
		io.Copy(io.Discard, c)
	})
	client := clientFor(t, Options{}, port)
	_, entry, err := client.Do(ctx, Policy{}, Request{URL: base})
	wantCode(t, err, entry, CodeCanceled)
	_, entry, err = client.Do(ctx, Policy{}, Request{URL: base})
	wantCode(t, err, entry, CodeCanceled)
}

func TestRequestsToOneHostAtOnce(t *testing.T) {
	t.Parallel()
	const perHost, requests = 3, 12
	var mu sync.Mutex
	now, most := 0, 0
	all := make(chan struct{}) // places are taken
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		if most < perHost && now == perHost {
			close(all)
		}
		most = max(most, now)
		mu.Unlock()
		<-all // the first ones are held until then
		mu.Lock()
		now--
		mu.Unlock()
	})
	client := clientFor(t, Options{Limits: Limits{PerHost: perHost}}, port)
	var ended sync.WaitGroup
	for range requests {
		ended.Go(func() {
			if _, _, err := get(t, client, base); err != nil {
				t.Error(err)
			}
		})
	}
	ended.Wait()
	mu.Lock()
	defer mu.Unlock()
	if most != perHost {
		t.Errorf("%d requests at once, want %d", most, perHost)
	}
	if len(client.places.hosts) != 0 {
		t.Errorf("places are kept: %v", client.places.hosts)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(2)
		first, _ := p.take(t.Context(), "a")
		second, _ := p.take(t.Context(), "a")
		if release, ok := p.take(t.Context(), "b"); !ok {
			t.Error("another host has to wait")
		} else {
			release()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, ok := p.take(ctx, "a"); ok {
			t.Error("a third place")
		}
		got := make(chan func())
		go func() { release, _ := p.take(t.Context(), "a"); got <- release }()
		synctest.Wait()
		select {
		case <-got:
			t.Error("a place was given though all are taken")
		default:
		}
		first()
		(<-got)()
		second()
		if len(p.hosts) != 0 {
			t.Errorf("%d hosts are kept", len(p.hosts))
		}
	})
}

func TestNoPlaceInTime(t *testing.T) {
	t.Parallel()
	client := clientFor(t, Options{Limits: Limits{PerHost: 1, TotalTimeout: short}})
	release, _ := client.places.take(t.Context(), "busy.test")
	defer release()
	_, entry, err := get(t, client, "http://busy.test/")
	wantCode(t, err, entry, CodeLimit)
}
