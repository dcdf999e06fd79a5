package webhost

import (
	"strings"

	"github.com/nlnwa/whatwg-url/url"
)

// The parser works on URLs of any length but takes time that grows with the
// square of it, so the length is bounded. Data URLs are content rather than
// addresses and are read in linear time.
const (
	maxURLBytes     = 16 << 10
	maxDataURLBytes = 2 << 20
)

var urlParser = url.NewParser()

// URL is the URL constructor: input, resolved against base when hasBase, as the
// JSON object {href, protocol, username, password, host, hostname, port,
// pathname, search, hash, origin}; "" when it is not a valid URL.
//
// It follows the URL Standard with these differences: host names that mix
// non-ASCII characters with ASCII ones other than letters, digits and hyphens
// are invalid; a sign before the number of an IPv4 address is read as part of
// it; URLs over 16 KiB, and data URLs over 2 MiB, are invalid.
func URL(input, base string, hasBase bool) string {
	var against *url.Url
	if hasBase {
		if against = parseURL(base, nil); against == nil {
			return ""
		}
	}
	u := parseURL(input, against)
	if u == nil {
		return ""
	}
	return urlJSON(u)
}

// URLSet sets one property of the URL href as assigning to it would: a value
// that does not fit leaves the URL as it was. The result is as URL's; it is ""
// when href is invalid, and for part "href" when value is.
func URLSet(href, part, value string) string {
	u := parseURL(href, nil)
	value = scalarValues(value)
	if u == nil || len(value) > maxURLBytes {
		return ""
	}
	switch part {
	case "href":
		return URL(value, "", false)
	case "protocol":
		u.SetProtocol(value)
	case "username":
		u.SetUsername(value)
	case "password":
		u.SetPassword(value)
	case "host":
		u.SetHost(value)
	case "hostname":
		u.SetHostname(value)
	case "port":
		u.SetPort(value)
	case "pathname":
		u.SetPathname(value)
	case "search":
		u.SetSearch(value)
	case "hash":
		u.SetHash(value)
	}
	return urlJSON(u)
}

// parseURL is nil for an invalid URL.
func parseURL(text string, base *url.Url) *url.Url {
	if len(text) > maxURLBytes && !(len(text) <= maxDataURLBytes && strings.EqualFold(text[:5], "data:")) {
		return nil
	}
	u, err := urlParser.BasicParser(scalarValues(text), base, nil, url.NoState)
	if err != nil {
		return nil
	}
	return u
}

func urlJSON(u *url.Url) string {
	href := u.Href(false)
	out := make([]byte, 0, 2*len(href)+200)
	for _, property := range []struct{ name, value string }{
		{`{"href":`, href},
		{`,"protocol":`, u.Protocol()},
		{`,"username":`, u.Username()},
		{`,"password":`, u.Password()},
		{`,"host":`, u.Host()},
		{`,"hostname":`, u.Hostname()},
		{`,"port":`, u.Port()},
		{`,"pathname":`, u.Pathname()},
		{`,"search":`, u.Search()},
		{`,"hash":`, u.Hash()},
		{`,"origin":`, originOf(u)},
	} {
		out = append(out, property.name...)
		out = appendString(out, property.value)
	}
	return string(append(out, '}'))
}

// originOf is the serialised origin; "null" for schemes that have none.
func originOf(u *url.Url) string {
	switch {
	case u.Scheme() == "blob":
		if inner := parseURL(u.Pathname(), nil); inner != nil && (inner.Scheme() == "http" || inner.Scheme() == "https") {
			return originOf(inner)
		}
	case u.IsSpecialScheme() && u.Scheme() != "file":
		return u.Protocol() + "//" + u.Host()
	}
	return "null"
}
