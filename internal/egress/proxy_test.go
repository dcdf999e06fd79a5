package egress

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"code.dny.dev/ssrf"

	"charmd/internal/charm"
)

// relay is a proxy as operators have them.
type relay struct {
	base   string
	answer string // to everything, instead of passing it on; "" passes it on
	closed bool   // there are no tunnels

	mu    sync.Mutex
	asked []string // first lines, and who it was
}

const password = "sesame"

var credentials64 = base64.StdEncoding.EncodeToString([]byte("operator:" + password))

// startRelay starts one; secure is not nil for one that is spoken to over TLS.
func startRelay(t *testing.T, secure *tls.Config, answer string) *relay {
	r := &relay{answer: answer}
	base, _ := serveRaw(t, privateIP, func(c net.Conn) {
		if secure != nil {
			c = tls.Server(c, secure)
		}
		r.pass(c)
	})
	r.base = strings.Replace(base, "http://", "http://operator:"+password+"@", 1)
	if secure != nil {
		r.base = strings.Replace(r.base, "http:", "https:", 1)
	}
	return r
}

func (r *relay) pass(c net.Conn) {
	in := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		who := ""
		if req.Header.Get("Proxy-Authorization") != "Basic "+credentials64 {
			who = " by a stranger"
		}
		r.mu.Lock()
		r.asked = append(r.asked, req.Method+" "+req.RequestURI+who)
		r.mu.Unlock()
		if r.answer != "" {
			io.WriteString(c, r.answer)
			return
		}
		if req.Method == http.MethodConnect && r.closed {
			io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
			return
		}
		if req.Method != http.MethodConnect {
			req.Header.Del("Proxy-Authorization")
			resp, err := (&http.Transport{DisableKeepAlives: true, DialContext: nil}).RoundTrip(req)
			if err != nil {
				io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
				continue
			}
			resp.Write(c)
			resp.Body.Close()
			continue
		}
		far, err := net.Dial("tcp", req.RequestURI)
		if err != nil {
			io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
			return
		}
		defer far.Close()
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			io.Copy(far, in)
			far.(*net.TCPConn).CloseWrite()
		}()
		io.Copy(c, far)
		return
	}
}

func (r *relay) heard() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.asked, ", ")
}

func (r *relay) proxy(t *testing.T) *Proxy {
	t.Helper()
	p, err := ParseProxy(charm.Secret(r.base))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// serveSecurely is a public server over TLS whose certificate is for example.com.
func serveSecurely(t *testing.T, certificate tls.Certificate) (port uint16) {
	t.Helper()
	l, err := net.Listen("tcp", publicIP+":0")
	if err != nil {
		t.Fatal(err)
	}
	_, port = serveOn(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}}), whatItGot)
	return port
}

func whatItGot(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s %s%s", r.Method, r.Host, r.RequestURI, r.Header.Get("Proxy-Authorization"))
}

// https goes by a tunnel to the address that was judged, http as the proxy has it;
// both stand in the ledger as what they are, and neither tells the host of the proxy.
func TestByAProxy(t *testing.T) {
	t.Parallel()
	certificate, roots := testCertificate(t)
	names := startNameServer(t, map[string][]string{"example.com": {publicIP}})
	base, plainPort := serve(t, publicIP, whatItGot)
	_ = base
	securePort := serveSecurely(t, certificate)
	for name, secure := range map[string]*tls.Config{"a plain one": nil, "one over TLS": {Certificates: []tls.Certificate{certificate}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startRelay(t, secure, "")
			c := clientFor(t, Options{Proxy: r.proxy(t), Resolver: names.resolver(), RootCAs: roots}, plainPort, securePort)
			at := fmt.Sprintf("example.com:%d", securePort)
			reply, entry := mustGet(t, c, "https://"+at+"/a?b=c")
			if string(reply.Body) != "GET "+at+" /a?b=c" || entry.Proxy != c.proxy.String() || entry.Address != fmt.Sprintf("%s:%d", publicIP, securePort) {
				t.Errorf("%q, %+v", reply.Body, entry)
			}
			if want := fmt.Sprintf("CONNECT %s:%d", publicIP, securePort); r.heard() != want {
				t.Errorf("the proxy was asked %s, want %s", r.heard(), want)
			}
			// The proxy of this test looks names up where example.com is another machine.
			literal := fmt.Sprintf("http://%s:%d/x", publicIP, plainPort)
			reply, entry = mustGet(t, c, literal)
			if string(reply.Body) != fmt.Sprintf("GET %s:%d /x", publicIP, plainPort) || entry.Proxy != c.proxy.String() || entry.Address != entry.Proxy {
				t.Errorf("%q, %+v", reply.Body, entry)
			}
			if !strings.HasSuffix(r.heard(), ", GET "+literal) {
				t.Errorf("the proxy was asked %s", r.heard())
			}
		})
	}
}

// By a proxy the rules are the same: what a name leads to is judged here, every time,
// and the proxy hears nothing of what is refused.
func TestFault10_ByAProxy(t *testing.T) {
	t.Parallel()
	certificate, roots := testCertificate(t)
	port := serveSecurely(t, certificate)
	_, plainPort := serve(t, publicIP, whatItGot)
	names := startNameServer(t, map[string][]string{
		"loopback.test": {"127.0.0.1"}, "both.test": {"10.0.0.1 fd00::1"}, "metadata.test": {"169.254.169.254"},
		"example.com": {publicIP, privateIP}, "rebound.test": {privateIP},
	})
	r := startRelay(t, nil, "")
	c := clientFor(t, Options{Proxy: r.proxy(t), Resolver: names.resolver(), RootCAs: roots}, port, plainPort)
	for _, test := range []struct {
		url  string
		want Code
	}{
		{"http://127.0.0.1/", CodeBlocked}, {"https://127.0.0.1/", CodeBlocked}, {"http://10.1.2.3/", CodeBlocked}, {"https://169.254.169.254/", CodeBlocked},
		{"http://[::1]/", CodeBlocked}, {"https://[::ffff:127.0.0.1]/", CodeBlocked}, {"http://localhost/", CodeBlocked}, {"http://2130706433/", CodeBlocked},
		{"http://loopback.test/", CodeBlocked}, {"https://loopback.test/", CodeBlocked}, {"http://both.test/", CodeBlocked}, {"https://metadata.test/", CodeBlocked},
		{"http://nowhere.test/", CodeDNS}, {"https://nowhere.test/", CodeDNS}, {"https://loopback.test:25/", CodePort}, {"ftp://loopback.test/", CodeScheme},
	} {
		_, entry, err := get(t, c, test.url)
		if e := wantCode(t, err, entry, test.want); entry.Proxy != "" || strings.Contains(e.Message, "proxy") {
			t.Errorf("%s: %+v", test.url, entry)
		}
	}
	if heard := r.heard(); heard != "" {
		t.Errorf("the proxy was asked %s", heard)
	}
	// The name of a host that was public a moment ago.
	address := fmt.Sprintf("https://example.com:%d/", port)
	mustGet(t, c, address)
	c.Close()
	before := r.heard()
	_, entry, err := get(t, c, address)
	wantCode(t, err, entry, CodeBlocked)
	_, entry, err = get(t, c, fmt.Sprintf("http://rebound.test:%d/", plainPort))
	wantCode(t, err, entry, CodeBlocked)
	if r.heard() != before {
		t.Errorf("the proxy was asked %s", r.heard())
	}
}

// A private host that is opened by name is asked directly: the proxy leads outside.
func TestPrivateHostsAreNotAskedByTheProxy(t *testing.T) {
	t.Parallel()
	certificate, roots := testCertificate(t)
	r := startRelay(t, nil, "")
	base, _ := serve(t, privateIP, whatItGot)
	securely, _ := serveRaw(t, privateIP, func(c net.Conn) {
		secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}})
		readRequest(secure)
		io.WriteString(secure, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	c := clientFor(t, Options{Proxy: r.proxy(t), RootCAs: roots, AllowHosts: []string{hostPort(base), hostPort(securely)}})
	for _, address := range []string{base, "https://" + hostPort(securely)} {
		if _, entry := mustGet(t, c, address); entry.Proxy != "" || entry.Address != address[strings.LastIndex(address, "/")+1:] {
			t.Errorf("%+v", entry)
		}
	}
	if heard := r.heard(); heard != "" {
		t.Errorf("the proxy was asked %s", heard)
	}
}

// So is one at a public address that is of the machine's own network.
func TestTheMachinesOwnNetworkIsNotAskedByTheProxy(t *testing.T) {
	t.Parallel()
	r := startRelay(t, nil, "")
	base, port := serve(t, publicIP, whatItGot)
	g := newGuard([]uint16{80, port}, ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix(publicIP+"/32")))
	g.own = func() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(publicIP + "/32")} }
	c, err := newClient(Options{Proxy: r.proxy(t)}, g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	_, entry, err := get(t, c, base)
	wantCode(t, err, entry, CodeBlocked)
	if _, entry, err = c.Do(t.Context(), Policy{AllowHosts: []string{hostPort(base)}}, Request{URL: base}); err != nil || entry.Proxy != "" || entry.Address != hostPort(base) {
		t.Errorf("opened by name: %v, %+v", err, entry)
	}
	if heard := r.heard(); heard != "" {
		t.Errorf("the proxy was asked %s", heard)
	}
}

// What goes wrong at the proxy says nothing of the host: it is not kept from anybody,
// but for a charm whose host the proxy does not get to. Nothing tells the password.
func TestAProxyThatFails(t *testing.T) {
	t.Parallel()
	nobody := fmt.Sprintf("http://operator:%s@%s:%d", password, privateIP, nobodys)
	for _, tc := range []struct {
		name, answer string
		code         Code
		http, https  string // what the errors say
	}{
		{"nobody", "", CodeProxy, "cannot be reached: ", "cannot be reached: "},
		{"not over TLS", "HTTP/1.1 400 Bad Request\r\n\r\n", CodeProxy, "cannot be reached: ", "cannot be reached: "},
		{"another password", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", CodeProxy, "wants another user or password", "wants another user or password"},
		{"forbidden", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", CodeProxy, "", "refuses: it answered 403"},
		{"no HTTP", "SSH-2.0-x\r\n\r\n", CodeProxy, "", "is not HTTP"},
		{"it talks on", "HTTP/1.1 200 OK\r\n\r\nmore", CodeProxy, "", "more than it was asked"},
		{"endless", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*mostOfAnswer), CodeProxy, "", "is not HTTP"},
		{"not beyond", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", CodeConnect, "", "does not get there: it answered 503"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := startRelay(t, nil, tc.answer)
			switch tc.name {
			case "nobody":
				r.base = nobody
			case "not over TLS":
				r.base = strings.Replace(r.base, "http:", "https:", 1)
			}
			c := clientFor(t, Options{Proxy: r.proxy(t)})
			for _, try := range []struct{ address, say string }{{"http://" + publicIP + "/", tc.http}, {"https://" + publicIP + "/", tc.https}} {
				for range 2 * (tolerated + 1) {
					if try.say == "" {
						break // what the proxy says is the reply
					}
					_, entry, err := c.Do(t.Context(), Policy{Space: "s", Charm: "a"}, Request{URL: try.address})
					if e, ok := err.(*Error); ok && tc.code == CodeConnect && e.Code == CodeHeldOff {
						continue // from this charm alone
					}
					e := wantCode(t, err, entry, tc.code)
					if !strings.Contains(e.Message, try.say) || !strings.Contains(e.Message, "by the proxy "+c.proxy.String()) || !e.Code.Remote() || !e.Retryable {
						t.Errorf("%s: %v", try.address, e)
					}
					if all := fmt.Sprintf("%v %+v %+v", e, e, entry); strings.Contains(all, password) || strings.Contains(all, credentials64) {
						t.Errorf("it tells the password: %s", all)
					}
				}
			}
			hosts := c.Hosts()
			if tc.code == CodeProxy && len(hosts) > 0 || tc.code == CodeConnect && (len(hosts) != 1 || hosts[0].Who != "s/a") {
				t.Errorf("held off: %+v", hosts)
			}
		})
	}
}

// What a host answers as if it were a proxy is its reply, as far as that can be told.
func TestAHostThatAnswersAsAProxy(t *testing.T) {
	t.Parallel()
	certificate, roots := testCertificate(t)
	asIfProxy := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
	}
	base, plainPort := serve(t, publicIP, asIfProxy)
	l, err := net.Listen("tcp", publicIP+":0")
	if err != nil {
		t.Fatal(err)
	}
	_, securePort := serveOn(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}}), asIfProxy)
	names := startNameServer(t, map[string][]string{"example.com": {publicIP}})
	for _, closed := range []bool{false, true} {
		r := startRelay(t, nil, "")
		r.closed = closed
		c := clientFor(t, Options{Proxy: r.proxy(t), Resolver: names.resolver(), RootCAs: roots}, plainPort, securePort)
		if closed {
			_, entry, err := get(t, c, base)
			wantCode(t, err, entry, CodeProxy)
			continue
		}
		for _, address := range []string{base, fmt.Sprintf("https://example.com:%d/", securePort)} {
			if reply, entry := mustGet(t, c, address); reply.Status != http.StatusProxyAuthRequired || entry.Proxy != c.proxy.String() {
				t.Errorf("%s: %d, %+v", address, reply.Status, entry)
			}
		}
	}
}

func TestParseProxy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://proxy.example:3128": "proxy.example:3128", "http://proxy.example": "proxy.example:80", "https://proxy.example/": "proxy.example:443",
		"http://u:" + password + "@proxy.example:1": "proxy.example:1", "http://[::1]:3128": "[::1]:3128", "http://[::1]": "[::1]:80",
		"": "", "proxy.example:3128": "", "socks5://proxy.example": "", "http://": "", "http://proxy.example/path": "", "http://proxy.example?x": "",
		"http://u:" + password + "@": "", "http://u:" + password + "\x7f@proxy.example": "",
	} {
		p, err := ParseProxy(charm.Secret(text))
		if (err == nil) != (want != "") || err == nil && p.String() != want || err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%q: %v, %v", text, p, err)
		}
		if err == nil && (p.Secret() != strings.Contains(text, "@") || fmt.Sprintf("%v %+v %#v %d", p, *p, *p, *p) != strings.TrimSpace(strings.Repeat(want+" ", 4))) {
			t.Errorf("%q: %#v", text, *p)
		}
	}
}

// A proxy that refuses and then says nothing, or without end, is not waited for.
func TestARefusalOfAProxyIsNotReadOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		go func() {
			defer far.Close()
			if _, err := http.ReadRequest(bufio.NewReader(far)); err != nil {
				t.Error(err)
			}
			io.WriteString(far, "HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\n")
			io.Copy(io.Discard, far) // until we go
		}()
		w := &throughProxy{proxy: &Proxy{address: "proxy.example:3128"}, within: time.Minute}
		began := time.Now()
		err := w.ask(near, netip.MustParseAddrPort("192.0.2.1:443"))
		if err == nil || err.Error() != "it refuses: it answered 403" {
			t.Error(err)
		}
		if waited := time.Since(began); waited > 0 {
			t.Errorf("waited %s", waited)
		}
	})
}
