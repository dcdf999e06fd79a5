package egress

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"code.dny.dev/ssrf"
)

// TestFault10_DangerousAddresses goes through every known way to write an
// address that is not on the public internet, with the client that ships.
func TestFault10_DangerousAddresses(t *testing.T) {
	t.Parallel()
	names := startNameServer(t, map[string][]string{
		"loopback.test":            {"127.0.0.1"},
		"loopback6.test":           {"::1"},
		"metadata.google.internal": {"169.254.169.254"},
		"both.test":                {"10.0.0.1 fd00::1"},
		"mapped.test":              {"::ffff:127.0.0.1"},
	})
	client, err := New(Options{Resolver: names.resolver()})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what, url string
		want      Code
	}{
		{"loopback", "http://127.0.0.1/", CodeBlocked},
		{"other loopback address", "http://127.8.8.8/", CodeBlocked},
		{"loopback, https", "https://127.0.0.1/", CodeBlocked},
		{"unspecified", "http://0.0.0.0/", CodeBlocked},
		{"this network", "http://0.1.2.3/", CodeBlocked},
		{"private 10/8", "http://10.1.2.3/", CodeBlocked},
		{"private 172.16/12", "http://172.31.255.255/", CodeBlocked},
		{"private 192.168/16", "http://192.168.0.1/", CodeBlocked},
		{"carrier NAT", "http://100.64.0.1/", CodeBlocked},
		{"cloud metadata", "http://169.254.169.254/latest/meta-data/", CodeBlocked},
		{"cloud metadata of another cloud", "http://168.63.129.16/", CodeBlocked},
		{"container metadata", "http://169.254.170.2/", CodeBlocked},
		{"benchmarking", "http://198.18.0.1/", CodeBlocked},
		{"documentation", "http://203.0.113.7/", CodeBlocked},
		{"multicast", "http://224.0.0.1/", CodeBlocked},
		{"reserved", "http://240.0.0.1/", CodeBlocked},
		{"broadcast", "http://255.255.255.255/", CodeBlocked},
		{"decimal number", "http://2130706433/", CodeBlocked},
		{"octal", "http://0177.0.0.1/", CodeBlocked},
		{"octal number", "http://017700000001/", CodeBlocked},
		{"hexadecimal number", "http://0x7f000001/", CodeBlocked},
		{"hexadecimal part", "http://0x7f.0.0.1/", CodeBlocked},
		{"hexadecimal, upper case", "http://0X7F.1/", CodeBlocked},
		{"short", "http://127.1/", CodeBlocked},
		{"zero", "http://0/", CodeBlocked},
		{"overflowing", "http://4294967297/", CodeBlocked},
		{"too many parts", "http://127.0.0.1.1/", CodeBlocked},
		{"final dot", "http://127.0.0.1./", CodeBlocked},
		{"full-width digits", "http://１２７.０.０.１/", CodeBlocked},
		{"ideographic dots", "http://127。0。0。1/", CodeBlocked},
		{"IPv6 loopback", "http://[::1]/", CodeBlocked},
		{"IPv6 loopback, long", "http://[0:0:0:0:0:0:0:1]/", CodeBlocked},
		{"IPv6 unspecified", "http://[::]/", CodeBlocked},
		{"IPv4-mapped", "http://[::ffff:127.0.0.1]/", CodeBlocked},
		{"IPv4-mapped, hexadecimal", "http://[::ffff:7f00:1]/", CodeBlocked},
		{"IPv4-compatible", "http://[::127.0.0.1]/", CodeBlocked},
		{"NAT64", "http://[64:ff9b::7f00:1]/", CodeBlocked},
		{"local NAT64", "http://[64:ff9b:1::a00:1]/", CodeBlocked},
		{"6to4", "http://[2002:7f00:1::]/", CodeBlocked},
		{"Teredo", "http://[2001:0:7f00:1::]/", CodeBlocked},
		{"unique local", "http://[fd00:ec2::254]/", CodeBlocked},
		{"link local", "http://[fe80::1]/", CodeBlocked},
		{"link local with zone", "http://[fe80::1%25lo]/", CodeBlocked},
		{"global address with zone", "http://[2606:4700::1%25lo]/", CodeBlocked},
		{"site local", "http://[fec0::1]/", CodeBlocked},
		{"IPv6 multicast", "http://[ff02::1]/", CodeBlocked},
		{"IPv6 documentation", "http://[2001:db8::1]/", CodeBlocked},
		{"localhost", "http://localhost/", CodeBlocked},
		{"localhost, final dot", "http://localhost./", CodeBlocked},
		{"LOCALHOST", "http://LOCALHOST/", CodeBlocked},
		{"below localhost", "http://a.localhost/", CodeBlocked},
		{"name of loopback", "http://loopback.test/", CodeBlocked},
		{"name of IPv6 loopback", "http://loopback6.test/", CodeBlocked},
		{"name of a mapped address", "http://mapped.test/", CodeBlocked},
		{"name of metadata", "http://metadata.google.internal/", CodeBlocked},
		{"name of several private addresses", "http://both.test/", CodeBlocked},
		{"name with final dot", "http://loopback.test./", CodeBlocked},
		{"user info", "http://example.com@127.0.0.1/", CodeBlocked},
		{"user info with password", "http://user:pass@example.com/", CodeBlocked},
		{"empty user info", "http://@127.0.0.1/", CodeBlocked},
		{"encoded at sign", "http://example.com%40127.0.0.1/", CodeProtocol},
		{"encoded host", "http://%31%32%37.0.0.1/", CodeProtocol},
		{"backslash before at sign", `http://example.com\@127.0.0.1/`, CodeProtocol},
		{"fragment before at sign", "http://127.0.0.1#@example.com/", CodeBlocked},
		{"blank in host", "http://127.0.0.1 .example.com/", CodeProtocol},
		{"line end in host", "http://127.0.0.1\r\n.example.com/", CodeProtocol},
		{"zero byte in host", "http://127.0.0.1\x00.example.com/", CodeProtocol},
		{"empty label", "http://a..b/", CodeProtocol},
		{"no host", "http:///path", CodeProtocol},
		{"no slashes", "http:127.0.0.1", CodeProtocol},
		{"port 22", "http://example.com:22/", CodePort},
		{"port 25", "http://example.com:25/", CodePort},
		{"database port", "http://127.0.0.1:5432/", CodePort},
		{"port 0", "http://example.com:0/", CodePort},
		{"port beyond the last", "http://example.com:65616/", CodePort}, // 80 modulo 2^16
		{"file", "file:///etc/passwd", CodeScheme},
		{"gopher", "gopher://127.0.0.1:25/_HELO", CodeScheme},
		{"ftp", "ftp://127.0.0.1/", CodeScheme},
		{"data", "data:text/plain,x", CodeScheme},
		{"dict", "dict://127.0.0.1:11211/stats", CodeScheme},
		{"javascript", "javascript:alert(1)", CodeScheme},
		{"unix socket", "unix:///run/docker.sock", CodeScheme},
		{"web socket", "ws://example.com/", CodeScheme},
		{"relative", "/api/x", CodeScheme},
		{"scheme-relative", "//127.0.0.1/", CodeScheme},
		{"nothing", "", CodeScheme},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			_, entry, err := get(t, client, test.url)
			wantCode(t, err, entry, test.want)
			if entry.Address != "" || entry.Status != 0 {
				t.Errorf("connected to %s, status %d", entry.Address, entry.Status)
			}
		})
	}
}

func TestFault10_AllowedByNameOnly(t *testing.T) {
	t.Parallel()
	base, port := serve(t, privateIP, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("secret")) })
	names := startNameServer(t, map[string][]string{"nas.test": {privateIP}, "other.test": {privateIP}})
	named := "http://nas.test:" + portOf(t, base)
	for _, test := range []struct {
		what, url string
		policy    []string
		want      Code // "" is success
	}{
		{"not allowed", base, nil, CodeBlocked},
		{"allowed by address", base, []string{hostPort(base)}, ""},
		{"allowed without the port", base, []string{privateIP}, CodeBlocked},
		{"allowed by name", named, []string{"NAS.test.:" + portOf(t, base)}, ""},
		{"name does not open the address", base, []string{hostPort(named)}, CodeBlocked},
		{"address does not open the name", named, []string{hostPort(base)}, CodeBlocked},
		{"name does not open another", "http://other.test:" + portOf(t, base), []string{hostPort(named)}, CodeBlocked},
		{"nor one below it", "http://x.nas.test:" + portOf(t, base), []string{hostPort(named)}, CodeDNS},
		{"entries that do not parse open nothing", base, []string{"*", "127.0.0.0/8", ""}, CodeBlocked},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			client := clientFor(t, Options{Resolver: names.resolver()}, port)
			reply, entry, err := client.Do(t.Context(), Policy{AllowHosts: test.policy}, Request{URL: test.url})
			if test.want != "" {
				wantCode(t, err, entry, test.want)
				return
			}
			if err != nil || string(reply.Body) != "secret" {
				t.Fatalf("reply %q, error %v", reply.Body, err)
			}
			if entry.Verdict != VerdictSent || entry.Address != hostPort(base) {
				t.Errorf("row %+v", entry)
			}
		})
	}
}

// A connection opened for one charm stays open for reuse; a charm that may not
// reach its destination must not get it.
func TestFault10_PooledConnectionIsNotShared(t *testing.T) {
	t.Parallel()
	base, _ := serve(t, privateIP, func(w http.ResponseWriter, r *http.Request) {})
	client := clientFor(t, Options{})
	may := Policy{AllowHosts: []string{hostPort(base)}}
	for range 2 {
		if _, _, err := client.Do(t.Context(), may, Request{URL: base}); err != nil {
			t.Fatal(err)
		}
		_, entry, err := client.Do(t.Context(), Policy{}, Request{URL: base})
		wantCode(t, err, entry, CodePort)
	}
}

func TestFault10_RebindingNames(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 10)
	port := serveBoth(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // the next request resolves the name again
		if r.URL.Path == "/self" {
			http.Redirect(w, r, "/", http.StatusFound)
		}
	}, func(w http.ResponseWriter, r *http.Request) { reached <- r.Host })
	host := func(name string) string { return "http://" + name + ":" + itoa(port) }
	for _, test := range []struct {
		what  string
		first string // path asked for while the name is still public
	}{
		{"between requests", "/"},
		{"between hops of one request", "/self"},
	} {
		t.Run(test.what, func(t *testing.T) {
			names := startNameServer(t, map[string][]string{"rebind.test": {publicIP, privateIP}})
			client := clientFor(t, Options{Resolver: names.resolver()}, port)
			_, entry, err := get(t, client, host("rebind.test")+test.first)
			if test.first == "/" {
				if err != nil {
					t.Fatalf("first request, name still public: %v", err)
				}
				_, entry, err = get(t, client, host("rebind.test"))
			}
			e := wantCode(t, err, entry, CodeBlocked)
			if !strings.Contains(e.Message, privateIP) {
				t.Errorf("%q does not say which address", e.Message)
			}
			if n := names.lookups("rebind.test"); n != 2 {
				t.Errorf("resolved %d times, want 2", n)
			}
		})
	}
	select {
	case host := <-reached:
		t.Errorf("the private server was reached as %s", host)
	default:
	}
}

func TestFault10_MixedAnswersReachOnlyThePublicOne(t *testing.T) {
	t.Parallel()
	reached := make(chan bool, 10)
	port := serveBoth(t, func(w http.ResponseWriter, r *http.Request) {},
		func(w http.ResponseWriter, r *http.Request) { reached <- true })
	names := startNameServer(t, map[string][]string{"mixed.test": {privateIP + " " + publicIP}})
	client := clientFor(t, Options{Resolver: names.resolver()}, port)
	_, entry := mustGet(t, client, "http://mixed.test:"+itoa(port))
	if want := publicIP + ":" + itoa(port); entry.Address != want || len(reached) != 0 {
		t.Errorf("connected to %s, want %s", entry.Address, want)
	}
}

func TestFault10_ProxyEnvironmentIsIgnored(t *testing.T) {
	asked := make(chan string, 1)
	proxy, _ := serve(t, privateIP, func(w http.ResponseWriter, r *http.Request) { asked <- r.URL.String() })
	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {})
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, proxy)
	}
	mustGet(t, clientFor(t, Options{}, port), base)
	if len(asked) != 0 {
		t.Errorf("the proxy was asked for %s", <-asked)
	}
}

// Public addresses that are the machine's own, or on the same link, lie behind the
// firewall like private ones.
func TestFault10_TheMachinesOwnNetwork(t *testing.T) {
	t.Parallel()
	own := networksOf([]net.Addr{
		&net.IPNet{IP: net.ParseIP("127.0.0.1"), Mask: net.CIDRMask(8, 32)}, &net.IPNet{IP: net.ParseIP("::1"), Mask: net.CIDRMask(128, 128)},
		&net.IPNet{IP: net.ParseIP("8.8.4.4"), Mask: net.CIDRMask(24, 32)}, &net.IPNet{IP: net.IPv4(9, 9, 9, 9).To4(), Mask: net.CIDRMask(32, 32)},
		&net.IPNet{IP: net.ParseIP("2a00:1450:1:2::7"), Mask: net.CIDRMask(128, 128)}, &net.TCPAddr{},
	})
	g := newGuard([]uint16{80})
	g.own = func() []netip.Prefix { return own }
	for address, want := range map[string]error{
		"8.8.4.4": errOwnNetwork, "8.8.4.5": nil, "9.9.9.9": errOwnNetwork, "1.1.1.1": nil,
		"2a00:1450:1:2::7": errOwnNetwork, "2a00:1450:1:2:ffff::1": errOwnNetwork, "2a00:1450:1:3::7": nil,
	} {
		network := "tcp4"
		if strings.Contains(address, ":") {
			network = "tcp6"
		}
		if err := g.check(network, net.JoinHostPort(address, "80"), nil); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", address, err, want)
		}
	}

	base, port := serve(t, publicIP, func(w http.ResponseWriter, r *http.Request) {})
	g = newGuard([]uint16{80, port}, ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix(publicIP+"/32")))
	g.own = func() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(publicIP + "/32")} }
	names := startNameServer(t, map[string][]string{"own.test": {publicIP}})
	client, err := newClient(Options{Resolver: names.resolver()}, g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for _, where := range []string{base, "http://own.test:" + itoa(port)} {
		_, entry, err := get(t, client, where)
		if e := wantCode(t, err, entry, CodeBlocked); !strings.Contains(e.Message, publicIP+" is in this machine's own network") {
			t.Errorf("%q does not say why", e.Message)
		}
		opened := Policy{AllowHosts: []string{hostPort(where)}}
		if _, _, err := client.Do(t.Context(), opened, Request{URL: where}); err != nil {
			t.Errorf("opened by name: %v", err)
		}
	}
}
