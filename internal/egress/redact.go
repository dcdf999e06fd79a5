package egress

import (
	"net/url"
	"strings"

	"charmd/internal/jsontext"
)

// Redacted stands in a record for what may be a secret.
const Redacted = "[redacted]"

// secretWords are parts of the names that secrets go by, in lower case and
// without - and _.
var secretWords = []string{"token", "secret", "password", "passwd", "apikey", "accesskey", "privatekey", "authorization", "signature", "credential", "cookie", "session", "jwt"}

// secretNames are whole names of the same kind.
var secretNames = map[string]bool{"key": true, "auth": true, "sig": true, "pass": true, "pwd": true, "code": true, "assertion": true}

// openWords are parts of names that only look like those of secrets: a record in
// which two pages cannot be told apart is of no use.
var openWords = []string{"page", "sync", "next", "continuation", "expires", "type"}

// secret reports whether what goes by the name may be a secret.
func secret(name string) bool {
	name = strings.NewReplacer("-", "", "_", "", "%5f", "").Replace(strings.ToLower(name))
	contains := func(words []string) bool {
		for _, word := range words {
			if strings.Contains(name, word) {
				return true
			}
		}
		return false
	}
	return secretNames[name] || contains(secretWords) && !contains(openWords)
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
		if name, _, hasValue := strings.Cut(part, "="); hasValue && secret(name) {
			parts[i] = name + "=" + Redacted
		}
	}
	return strings.Join(parts, "&")
}

func headersWithoutSecrets(headers [][2]string) [][2]string {
	out := make([][2]string, len(headers))
	for i, h := range headers {
		if secret(h[0]) {
			h[1] = Redacted
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
	v, err := jsontext.Parse(body, jsontext.DefaultLimits)
	if err != nil || !redactMembers(v) {
		return body
	}
	return jsontext.Append(nil, v)
}

// redactMembers changes v in place, and reports whether there was a secret.
func redactMembers(v any) (found bool) {
	switch v := v.(type) {
	case *jsontext.Object:
		for key, e := range v.All() {
			if text, ok := e.(string); ok && text != "" && secret(key) && key != "code" && key != "key" {
				v.Set(key, Redacted)
				found = true
			} else {
				found = redactMembers(e) || found
			}
		}
	case []any:
		for _, e := range v {
			found = redactMembers(e) || found
		}
	}
	return found
}
