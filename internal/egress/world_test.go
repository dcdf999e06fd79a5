package egress

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"code.dny.dev/ssrf"
	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The tests' world lies on the loopback interface: publicIP plays the internet,
// privateIP an address that must not be reached.
const (
	publicIP  = "127.0.0.2"
	privateIP = "127.0.0.1"
)

// nobodys is a port that nobody listens at: no program is given it that asks for any.
const nobodys uint16 = 1

// serve starts a server at ip.
func serve(t *testing.T, ip string, h http.HandlerFunc) (base string, port uint16) {
	t.Helper()
	l, err := net.Listen("tcp", ip+":0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, l, h)
}

// serveBoth starts a public and a private server at the same port.
func serveBoth(t *testing.T, public, private http.HandlerFunc) (port uint16) {
	t.Helper()
	for range 50 {
		l, err := net.Listen("tcp", publicIP+":0")
		if err != nil {
			t.Fatal(err)
		}
		_, number, _ := net.SplitHostPort(l.Addr().String())
		other, err := net.Listen("tcp", privateIP+":"+number)
		if err != nil { // somebody else's
			l.Close()
			continue
		}
		serveOn(t, other, private)
		_, port = serveOn(t, l, public)
		return port
	}
	t.Fatal("no port is free at both addresses")
	return 0
}

func serveOn(t *testing.T, l net.Listener, h http.HandlerFunc) (base string, port uint16) {
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = l
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, uint16(l.Addr().(*net.TCPAddr).Port)
}

// serveRaw answers every connection by hand.
func serveRaw(t *testing.T, ip string, handle func(c net.Conn)) (base string, p uint16) {
	t.Helper()
	l, err := net.Listen("tcp", ip+":0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return "http://" + l.Addr().String(), uint16(l.Addr().(*net.TCPAddr).Port)
}

// readRequest reads one request's head.
func readRequest(c net.Conn) {
	buf := make([]byte, 4096)
	for got := ""; !strings.Contains(got, "\r\n\r\n"); {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		got += string(buf[:n])
	}
}

// clientFor treats publicIP as public and opens ports beside 80 and 443.
func clientFor(t *testing.T, o Options, ports ...uint16) *Client {
	t.Helper()
	c, err := newClient(o, newGuard(append([]uint16{80, 443}, ports...),
		ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix(publicIP+"/32"))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func get(t *testing.T, c *Client, address string) (Reply, Entry, error) {
	t.Helper()
	return c.Do(t.Context(), Policy{}, Request{URL: address})
}

func mustGet(t *testing.T, c *Client, address string) (Reply, Entry) {
	t.Helper()
	reply, entry, err := get(t, c, address)
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	return reply, entry
}

// wantCode fails unless err is an *Error with the code, and the row says so.
func wantCode(t *testing.T, err error, entry Entry, want Code) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error is %v (%T), want *Error with code %s", err, err, want)
	}
	if e.Code != want {
		t.Fatalf("code is %s (%v), want %s", e.Code, err, want)
	}
	if entry.Error != e.Message || entry.Verdict != want.verdict() {
		t.Fatalf("ledger says %s %q, want %s %q", entry.Verdict, entry.Error, want.verdict(), e.Message)
	}
	return e
}

func portOf(t *testing.T, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// nameServer answers A and AAAA queries over UDP and TCP.
type nameServer struct {
	mu    sync.Mutex
	names map[string][][]netip.Addr // the answers of successive lookups; the last one stays
	asked map[string]int
	addrs map[string]string // by network
}

func startNameServer(t *testing.T, names map[string][]string) *nameServer {
	t.Helper()
	s := &nameServer{names: make(map[string][][]netip.Addr), asked: make(map[string]int)}
	for name, lookups := range names {
		for _, lookup := range lookups {
			var addrs []netip.Addr
			for a := range strings.FieldsSeq(lookup) {
				addrs = append(addrs, netip.MustParseAddr(a))
			}
			s.names[name+"."] = append(s.names[name+"."], addrs)
		}
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addrs = map[string]string{"udp": udp.LocalAddr().String(), "tcp": tcp.Addr().String()}
	var running sync.WaitGroup
	running.Go(func() { s.serveUDP(udp) })
	running.Go(func() { s.serveTCP(tcp) })
	t.Cleanup(func() { udp.Close(); tcp.Close(); running.Wait() })
	return s
}

func (s *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, s.addrs[network])
	}}
}

func (s *nameServer) lookups(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name+"."]
}

func (s *nameServer) serveUDP(c net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		c.WriteTo(s.answer(buf[:n]), from)
	}
}

func (s *nameServer) serveTCP(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		var size uint16
		if binary.Read(c, binary.BigEndian, &size) == nil {
			query := make([]byte, size)
			if _, err := io.ReadFull(c, query); err == nil {
				reply := s.answer(query)
				c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
			}
		}
		c.Close()
	}
}

// answer counts a lookup by its A query; resolvers ask for both kinds.
func (s *nameServer) answer(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) == 0 {
		return nil
	}
	q := m.Questions[0]
	s.mu.Lock()
	lookups := s.names[q.Name.String()]
	n := s.asked[q.Name.String()]
	if q.Type == dnsmessage.TypeA {
		s.asked[q.Name.String()]++
	}
	s.mu.Unlock()

	m.Response, m.Authoritative, m.Additionals = true, true, nil
	if len(lookups) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	} else {
		for _, a := range lookups[min(n, len(lookups)-1)] {
			header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}
			switch {
			case a.Is4() && q.Type == dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: a.As4()}})
			case a.Is6() && q.Type == dnsmessage.TypeAAAA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			}
		}
	}
	packed, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return packed
}
