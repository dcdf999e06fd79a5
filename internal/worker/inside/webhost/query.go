package webhost

import (
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
)

// Limits of a query. Many small pairs take more memory than their text.
const (
	maxQueryBytes = 16 << 20
	maxQueryPairs = 500_000
)

// Query reads the query of a URL, with its question mark or without, as
// URLSearchParams does: a JSON array of [name, value]. A percent sign that
// escapes nothing stands for itself, and bytes that are no UTF-8 become U+FFFD.
// The error is an *Exception: for a query over 16 MiB or 500,000 pairs.
func Query(search string) (string, error) {
	if len(search) > maxQueryBytes || strings.Count(search, "&") >= maxQueryPairs {
		return "", tooLarge("query")
	}
	search = strings.TrimPrefix(search, "?")
	out := append(make([]byte, 0, 2*len(search)+2), '[')
	for pair := range strings.SplitSeq(search, "&") {
		if pair == "" {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		name, value, _ := strings.Cut(pair, "=")
		out = appendString(append(out, '['), unescape(name))
		out = append(appendString(append(out, ','), unescape(value)), ']')
	}
	return string(append(out, ']')), nil
}

// QueryText is a JSON array as Query's in the form
// application/x-www-form-urlencoded; a lone surrogate becomes U+FFFD. The error
// is an *Exception: for JSON over 16 MiB, or that is no such array.
func QueryText(pairs string) (string, error) {
	if len(pairs) > maxQueryBytes {
		return "", tooLarge("query")
	}
	// One pair after the other: a list of them would take many times the memory of its text.
	d := json.NewDecoder(strings.NewReader(pairs))
	start, err := d.Token()
	var b strings.Builder
	for err == nil && start == json.Delim('[') && d.More() {
		var pair [2]string
		if err = d.Decode(&pair); err == nil {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(escape(pair[0]))
			b.WriteByte('=')
			b.WriteString(escape(pair[1]))
		}
	}
	if err == nil {
		_, err = d.Token()
	}
	if start != json.Delim('[') || err != nil {
		return "", &Exception{"TypeError", "the pairs of a query are not texts"}
	}
	return b.String(), nil
}

// Go's own escapes keep the tilde and escape the asterisk; those of browsers do
// the opposite.
var asInBrowsers = strings.NewReplacer("~", "%7E", "%2A", "*")

func escape(text string) string { return asInBrowsers.Replace(url.QueryEscape(text)) }

var escapedByte = regexp.MustCompile("%[0-9A-Fa-f]{2}")

func unescape(text string) string {
	text = strings.ReplaceAll(text, "+", " ")
	if !strings.Contains(text, "%") {
		return text
	}
	raw := escapedByte.ReplaceAllFunc(Encode(text), func(escaped []byte) []byte {
		b, _ := hex.DecodeString(string(escaped[1:])) // never fails: the pattern asks for two digits
		return b
	})
	decoded, _ := decodeUTF8(raw)
	return decoded
}
