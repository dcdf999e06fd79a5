package egress

import (
	"strconv"
	"strings"

	"charmd/internal/charm"
)

// allowed is one destination that a person has opened by name. Port 0 stands
// for 80 and 443.
type allowed struct {
	host string
	port uint16
}

type allowList []allowed

// has reports whether t is on the list: same host to the letter, same port. A
// name is never opened by an address it resolves to, nor an address by a name.
func (l allowList) has(t target) bool {
	for _, a := range l {
		if a.host == t.host && (a.port == t.port || a.port == 0 && (t.port == 80 || t.port == 443)) {
			return true
		}
	}
	return false
}

// CheckAllowHost says whether entry can stand in an allow-list. The error is a
// *charm.Error that names the entry.
func CheckAllowHost(entry string) error {
	_, err := parseAllowed(entry)
	return err
}

func parseAllowList(entries []string) (allowList, error) {
	list := make(allowList, 0, len(entries))
	for _, entry := range entries {
		a, err := parseAllowed(entry)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// lenientAllowList leaves out what does not parse: an entry stored long ago
// must not stop a charm, and what it would have opened stays closed.
func lenientAllowList(entries []string) allowList {
	var list allowList
	for _, entry := range entries {
		if a, err := parseAllowed(entry); err == nil {
			list = append(list, a)
		}
	}
	return list
}

// parseAllowed reads "host", "host:port", "address", "[address]:port".
func parseAllowed(entry string) (allowed, error) {
	host, port, ok := splitHostPort(strings.TrimSpace(entry))
	if !ok {
		return allowed{}, badAllowHost(entry, "the port is not a number from 1 to 65535")
	}
	canonical, err := canonicalHost(host)
	if err != nil {
		return allowed{}, badAllowHost(entry, err.reason)
	}
	return allowed{host: canonical, port: port}, nil
}

func badAllowHost(entry, reason string) error {
	return charm.Errorf(charm.CodeUsage, "%q is not a host to allow: %s", clip(entry, 300), reason).
		WithHint("write a host name or address with an optional port, such as nas.lan or nas.lan:8080; patterns, networks and URLs are not understood")
}

// splitHostPort reports port 0 when there is none, and false for a bad one.
func splitHostPort(s string) (host string, port uint16, ok bool) {
	host, text := s, ""
	if rest, bracketed := strings.CutPrefix(s, "["); bracketed {
		inner, after, closed := strings.Cut(rest, "]")
		if !closed || after != "" && after[0] != ':' {
			return s, 0, true
		}
		if host = inner; after == "" {
			return host, 0, true
		}
		text = after[1:]
	} else if strings.Count(s, ":") == 1 {
		host, text, _ = strings.Cut(s, ":")
	} else {
		return s, 0, true
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return host, 0, false
	}
	return host, uint16(n), true
}
