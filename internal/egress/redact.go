package egress

import (
	"bytes"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"charmd/internal/jsontext"
)

// Redacted stands in a record for what may be a secret.
const Redacted = "[redacted]"

// secretWords are parts of the names that secrets go by, plain.
var secretWords = []string{"token", "secret", "password", "passwd", "apikey", "accesskey", "privatekey", "authorization", "signature", "credential", "cookie", "session", "jwt"}

// secretNames are whole names of the same kind.
var secretNames = map[string]bool{"key": true, "auth": true, "sig": true, "pass": true, "pwd": true, "code": true, "assertion": true}

// openNames are names that only look like those of secrets: a record in which two
// pages cannot be told apart is of no use.
var openNames = map[string]bool{
	"pagetoken": true, "nextpagetoken": true, "prevpagetoken": true, "previouspagetoken": true, "startpagetoken": true, "newstartpagetoken": true,
	"nexttoken": true, "continuationtoken": true, "nextcontinuationtoken": true, "synctoken": true, "nextsynctoken": true, "tokentype": true,
}

// secret reports whether what goes by the name may be a secret.
func secret(name string) bool {
	name = plainName(name)
	return secretNames[name] || !openNames[name] && slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}

// plainName is a name in small letters and digits, without what joins its words.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// withoutSecrets is an address whose user, fragment and secret parameters are
// taken out.
func withoutSecrets(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxURLBytes {
		return redactURL(raw)
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	u.RawQuery = parametersWithoutSecrets(u.RawQuery)
	return u.String()
}

func parametersWithoutSecrets(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, hasValue := strings.Cut(part, "=")
		read, err := url.QueryUnescape(name)
		if err != nil {
			read = name
		}
		if hasValue && secret(read) {
			parts[i] = name + "=" + Redacted
		}
	}
	return strings.Join(parts, "&")
}

// linked are the addresses in a Link header.
var linked = regexp.MustCompile(`<[^>]*>`)

func headersWithoutSecrets(headers [][2]string) [][2]string {
	out := make([][2]string, len(headers))
	for i, h := range headers {
		switch name := strings.ToLower(h[0]); {
		case secret(name):
			h[1] = Redacted
		case name == "location" || name == "content-location":
			h[1] = withoutSecrets(h[1])
		case name == "link":
			h[1] = linked.ReplaceAllStringFunc(h[1], func(s string) string { return "<" + withoutSecrets(s[1:len(s)-1]) + ">" })
		}
		out[i] = h
	}
	return out
}

// bodyWithoutSecrets takes out what members of JSON and fields of a form hold
// under names of secrets. Another body is left as it is.
func bodyWithoutSecrets(headers [][2]string, body []byte) []byte {
	kind := ""
	for _, h := range headers {
		if strings.EqualFold(h[0], "content-type") {
			kind = strings.ToLower(h[1])
		}
	}
	if strings.HasPrefix(kind, "application/x-www-form-urlencoded") {
		return []byte(parametersWithoutSecrets(string(body)))
	}
	if clean, ok := jsonWithoutSecrets(body); ok {
		return clean
	}
	lines := bytes.SplitAfter(body, []byte("\n"))
	for i, line := range lines {
		if clean, ok := jsonWithoutSecrets(line); ok {
			lines[i] = clean
		}
	}
	return bytes.Join(lines, nil)
}

// guarded is what may stand in front of JSON: a byte order mark, what keeps a browser
// from running it, and the name of an event's field.
var guarded = regexp.MustCompile(`^\x{FEFF}?\s*(\)\]\}',?|for\s*\(;;\);|while\s*\(1\);|data:)?\s*`)

// jsonWithoutSecrets takes secrets out of one JSON text; ok: it is one.
func jsonWithoutSecrets(text []byte) (clean []byte, ok bool) {
	start := len(guarded.Find(text))
	end := len(bytes.TrimRight(text, " \t\r\n"))
	if start >= end || text[start] != '{' && text[start] != '[' {
		return nil, false
	}
	v, err := jsontext.Parse(text[start:end], jsontext.DefaultLimits)
	if err != nil {
		return nil, false
	}
	if !redactMembers(v) {
		return text, true
	}
	return append(jsontext.Append(slices.Clone(text[:start]), v), text[end:]...), true
}

// redactMembers changes v in place, and reports whether there was a secret. Of what is
// under a secret's name nothing stays, whatever it is.
func redactMembers(v any) (found bool) {
	switch v := v.(type) {
	case *jsontext.Object:
		for key, e := range v.All() {
			switch name := plainName(key); {
			case name == "code" || name == "key" || !secret(key): // those two name all kinds of things in JSON
				found = redactMembers(e) || found
			case holds(e):
				v.Set(key, Redacted)
				found = true
			}
		}
	case []any:
		for _, e := range v {
			found = redactMembers(e) || found
		}
	}
	return found
}

// holds reports whether v can be a secret or hold one.
func holds(v any) bool {
	switch v := v.(type) {
	case nil, bool:
		return false
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case *jsontext.Object:
		return v.Len() > 0
	}
	return true // a number
}
