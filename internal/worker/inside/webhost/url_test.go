package webhost

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type urlParts struct {
	Href, Protocol, Username, Password, Host, Hostname, Port, Pathname, Search, Hash, Origin string
}

func partsOf(t *testing.T, text string) urlParts {
	t.Helper()
	var parts urlParts
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&parts); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return parts
}

func TestURLParts(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]urlParts{
		"HTTPS://User:P%40ss@EXAMPLE.com:8443/a/../b c?q=ü&'#frag ment": {
			"https://User:P%40ss@example.com:8443/b%20c?q=%C3%BC&%27#frag%20ment",
			"https:", "User", "P%40ss", "example.com:8443", "example.com", "8443", "/b%20c", "?q=%C3%BC&%27", "#frag%20ment", "https://example.com:8443",
		},
		"http://example.com:80": {
			"http://example.com/", "http:", "", "", "example.com", "example.com", "", "/", "", "", "http://example.com",
		},
		"mailto:a@b.test?subject=x": {
			"mailto:a@b.test?subject=x", "mailto:", "", "", "", "", "", "a@b.test", "?subject=x", "", "null",
		},
		"file:///C|/a/../../x": {
			"file:///C:/x", "file:", "", "", "", "", "", "/C:/x", "", "", "null",
		},
		"blob:https://a.test:444/id": {
			"blob:https://a.test:444/id", "blob:", "", "", "", "", "", "https://a.test:444/id", "", "", "https://a.test:444",
		},
		"http://[2001:DB8:0:0::1]:443/?#": {
			"http://[2001:db8::1]:443/?#", "http:", "", "", "[2001:db8::1]:443", "[2001:db8::1]", "443", "/", "", "", "http://[2001:db8::1]:443",
		},
	} {
		if diff := cmp.Diff(want, partsOf(t, URL(input, "", false))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", input, diff)
		}
	}
}

func TestURLResolution(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ input, base, want string }{
		{"c", "http://h/a/b", "http://h/a/c"},
		{"./c?x#y", "http://h/a/b?q#f", "http://h/a/c?x#y"},
		{"../../../c", "http://h/a/b", "http://h/c"},
		{"/c", "https://u:p@h:1/a", "https://u:p@h:1/c"},
		{"//g/c", "https://h/a", "https://g/c"},
		{`\\g\c`, "https://h/a", "https://g/c"},
		{"?x", "http://h/a?q#f", "http://h/a?x"},
		{"#y", "http://h/a?q#f", "http://h/a?q#y"},
		{"", "http://h/a?q#f", "http://h/a?q"},
		{"http:c", "http://h/a/b", "http://h/a/c"},
		{"https:c", "http://h/a/b", "https://c/"},
		{" \t/c\n ", "http://h/", "http://h/c"},
		{"a%2e/%2E%2e/b", "http://h/x/", "http://h/x/b"},
		{"/api/x", "http://localhost:8000", "http://localhost:8000/api/x"},
		{"x", "data:text/plain,y", ""},
		{"#x", "data:text/plain,y", "data:text/plain,y#x"},
		{"x", "not a url", ""},
		{"http://ok/", "not a url", ""},
		{"x", "a:/b/c", "a:/b/x"},
		{"..", "file:///C:/a", "file:///C:/"},
	} {
		got := URL(test.input, test.base, true)
		if got != "" {
			got = partsOf(t, got).Href
		}
		if got != test.want {
			t.Errorf("%q against %q is %q, want %q", test.input, test.base, got, test.want)
		}
	}
}

func TestURLHosts(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{ // "" is invalid
		"faß.ExAmPlE":         "xn--fa-hia.example",
		"日本語。ＪＰ":              "xn--wgv71a119e.jp",
		"xn--bcher-kva.test":  "xn--bcher-kva.test",
		"a_b.test":            "a_b.test",
		"ex%41mple.test":      "example.test",
		"0x7f.1":              "127.0.0.1",
		"2130706433":          "127.0.0.1",
		"0177.0.0.01":         "127.0.0.1",
		"１２７.1":               "127.0.0.1",
		"192.168.257":         "192.168.1.1",
		"256.256.256.256":     "",
		"1.2.3.4.5":           "",
		"4294967296":          "",
		"a.1":                 "",
		"[::127.0.0.1]":       "[::7f00:1]",
		"[1:2:0:0:5:0:0:0]":   "[1:2:0:0:5::]",
		"[::1":                "",
		"[::1%25lo]":          "",
		"a b":                 "",
		"a<b":                 "",
		"a%00b":               "",
		"xn--a":               "",
		"":                    "",
		"localhost":           "localhost",
		"EXAMPLE.COM.":        "example.com.",
		"\u200d.test":         "",
		"a\u00adb.test":       "ab.test",
		"example.com:65536":   "",
		"example.com:":        "example.com",
		"example.com:0080":    "example.com",
		"user@example.com:81": "example.com",
	} {
		got := URL("http://"+host+"/", "", false)
		if got != "" {
			got = partsOf(t, got).Hostname
		}
		if got != want {
			t.Errorf("%q is host %q, want %q", host, got, want)
		}
	}
}

func TestDefaultPorts(t *testing.T) {
	t.Parallel()
	for scheme, port := range map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"} {
		if got := partsOf(t, URL(scheme+"://h:"+port+"/", "", false)); got.Port != "" || got.Host != "h" {
			t.Errorf("%s keeps port %s", scheme, port)
		}
		if got := partsOf(t, URL(scheme+"://h:8080/", "", false)); got.Port != "8080" || got.Host != "h:8080" {
			t.Errorf("%s loses port 8080", scheme)
		}
	}
}

func TestURLSet(t *testing.T) {
	t.Parallel()
	const base = "https://u:p@h.test:8080/a/b?q=1#f"
	for _, test := range []struct{ href, part, value, want string }{
		{base, "protocol", "http", "http://u:p@h.test:8080/a/b?q=1#f"},
		{base, "protocol", "ftp:ignored", "ftp://u:p@h.test:8080/a/b?q=1#f"},
		{base, "protocol", "mailto", base},
		{base, "protocol", "file", base},
		{base, "protocol", "", base},
		{"http://h:443/", "protocol", "https", "https://h/"},
		{base, "username", "ä:b", "https://%C3%A4%3Ab:p@h.test:8080/a/b?q=1#f"},
		{base, "password", "", "https://u@h.test:8080/a/b?q=1#f"},
		{"file:///x", "username", "u", "file:///x"},
		{base, "host", "g.test:9", "https://u:p@g.test:9/a/b?q=1#f"},
		{base, "host", "g.test", "https://u:p@g.test:8080/a/b?q=1#f"},
		{base, "host", "g.test/path", "https://u:p@g.test:8080/a/b?q=1#f"},
		{base, "host", "a b", base},
		{base, "host", "", base},
		{base, "hostname", "bücher.test", "https://u:p@xn--bcher-kva.test:8080/a/b?q=1#f"},
		{base, "hostname", "g.test:9", base},
		{"mailto:x", "host", "h", "mailto:x"},
		{base, "port", "443", "https://u:p@h.test/a/b?q=1#f"},
		{base, "port", "", "https://u:p@h.test/a/b?q=1#f"},
		{base, "port", "90ab", "https://u:p@h.test:90/a/b?q=1#f"},
		{base, "port", "ab", base},
		{base, "port", "65536", base},
		{base, "pathname", "x y/../?#z", "https://u:p@h.test:8080/%3F%23z?q=1#f"},
		{base, "pathname", "", "https://u:p@h.test:8080/?q=1#f"},
		{"data:x", "pathname", "y", "data:x"},
		{base, "search", "?a=ü'", "https://u:p@h.test:8080/a/b?a=%C3%BC%27#f"},
		{base, "search", "a#b", "https://u:p@h.test:8080/a/b?a%23b#f"},
		{base, "search", "", "https://u:p@h.test:8080/a/b#f"},
		{base, "hash", "#x y", "https://u:p@h.test:8080/a/b?q=1#x%20y"},
		{base, "hash", "", "https://u:p@h.test:8080/a/b?q=1"},
		{base, "hash", "\xed\xa0\x80", "https://u:p@h.test:8080/a/b?q=1#%EF%BF%BD"},
		{base, "href", "http://new.test/", "http://new.test/"},
		{base, "href", "relative", ""},
		{base, "origin", "http://x", base},
		{"nonsense", "port", "1", ""},
	} {
		got := URLSet(test.href, test.part, test.value)
		if got != "" {
			got = partsOf(t, got).Href
		}
		if got != test.want {
			t.Errorf("%s.%s = %q gives %q, want %q", test.href, test.part, test.value, got, test.want)
		}
	}
}

func TestURLLength(t *testing.T) {
	t.Parallel()
	fits := "http://h/" + strings.Repeat("x", maxURLBytes-len("http://h/"))
	if URL(fits, "", false) == "" || URL(fits+"x", "", false) != "" || URL("x", fits+"x", true) != "" {
		t.Error("the bound is not where it should be")
	}
	data := "DATA:," + strings.Repeat("x", maxDataURLBytes-len("data:,"))
	if URL(data, "", false) == "" || URL(data+"x", "", false) != "" {
		t.Error("the bound of data URLs is not where it should be")
	}
	if URLSet("http://h/", "hash", strings.Repeat("x", maxURLBytes+1)) != "" {
		t.Error("a value is not bounded")
	}
}

// The slowest inputs within the bounds, which have to stay far below a run's deadline.
func BenchmarkURLSlowest(b *testing.B) {
	for _, unit := range []string{"/", "@", "%", "é"} {
		for _, start := range []string{"http://h/", "http://", "a://", "http://u:"} {
			href := start + strings.Repeat(unit, (maxURLBytes-len(start))/len(unit))
			b.Run(start+unit, func(b *testing.B) {
				for b.Loop() {
					URL(href, "", false)
				}
			})
		}
	}
}

func FuzzURL(f *testing.F) {
	for _, s := range []string{"http://h/a", "//g", "../x?y#z", "file:///C|/", "data:x", "http://[::1]:80/", "blob:http://x", "http://0x7f.1", "a:\\b", "\xed\xa0\x80"} {
		f.Add(s, "http://u:p@h:1/a/b?c#d", "host", "x:1")
		f.Add("http://h/", s, "pathname", s)
	}
	f.Fuzz(func(t *testing.T, input, base, part, value string) {
		for _, text := range []string{URL(input, base, true), URL(input, "", false)} {
			if text == "" {
				continue
			}
			parts := partsOf(t, text)
			again := URL(parts.Href, "", false)
			if again == "" && len(parts.Href) > maxURLBytes {
				continue // escapes made it longer
			}
			if diff := cmp.Diff(parts, partsOf(t, again)); diff != "" {
				t.Errorf("%q is another URL when read again:\n%s", parts.Href, diff)
			}
		}
		if text := URLSet(input, part, value); text != "" {
			partsOf(t, text)
		}
	})
}
