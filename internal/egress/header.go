package egress

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
)

// ownHeaders are set by the client alone: they describe the connection or the
// framing, or would make the host that is judged and the host that is asked
// differ. Accept-Encoding is among them so that bodies are decompressed here,
// where they are counted.
var ownHeaders = map[string]bool{
	"Accept-Encoding":     true,
	"Connection":          true,
	"Content-Length":      true,
	"Expect":              true,
	"Host":                true,
	"Keep-Alive":          true,
	"Proxy-Authorization": true,
	"Proxy-Connection":    true,
	"Te":                  true,
	"Trailer":             true,
	"Transfer-Encoding":   true,
	"Upgrade":             true,
}

// requestHeader checks a charm's headers. Those that only the client may set
// are left out without a word, as browsers do.
func requestHeader(list [][2]string, limit int64) (http.Header, *Error) {
	header := make(http.Header, len(list)+1)
	var size int64
	for _, h := range list {
		name, value := h[0], strings.Trim(h[1], " \t\r\n")
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, newError(CodeProtocol, "", "%q is not a header name", clip(name, 64))
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			return nil, newError(CodeProtocol, "", "the value of header %s holds characters that cannot be sent", clip(name, 64))
		}
		size += int64(len(name)+len(value)) + 4 // ": " and the line end
		if size > limit {
			return nil, newError(CodeTooLarge, "", "the request's headers are larger than %d bytes", limit)
		}
		if name = http.CanonicalHeaderKey(name); !ownHeaders[name] {
			header[name] = append(header[name], value)
		}
	}
	return header, nil
}

// headerList is header as it is given to charms: lower-case names in order.
func headerList(header http.Header) [][2]string {
	list := make([][2]string, 0, len(header))
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			list = append(list, [2]string{strings.ToLower(name), text(value)})
		}
	}
	return list
}

// text reads header bytes that are not UTF-8 as browsers do, one character each.
func text(value string) string {
	if utf8.ValidString(value) {
		return value
	}
	runes := make([]rune, len(value))
	for i := range len(value) {
		runes[i] = rune(value[i])
	}
	return string(runes)
}

// statusText is what follows the number on the reply's first line, without characters
// that nobody sees.
func statusText(resp *http.Response) string {
	_, reason, _ := strings.Cut(resp.Status, " ")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text(reason))
}

// normalMethod is the method to send: GET when empty, the usual ones in upper
// case, others as they are. Methods that open tunnels or echo headers are out.
func normalMethod(method string) (string, bool) {
	if method == "" {
		return http.MethodGet, true
	}
	if !httpguts.ValidHeaderFieldName(method) { // the same token grammar
		return "", false
	}
	switch upper := strings.ToUpper(method); upper {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS":
		return upper, true
	case "CONNECT", "TRACE", "TRACK":
		return "", false
	}
	return method, true
}
