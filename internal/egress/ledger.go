package egress

import (
	"net/url"
	"strings"
	"time"
)

// Entry is the ledger's row for one request: where it went and how it ended,
// without anything that may be a secret.
type Entry struct {
	Method   string
	URL      string   // as asked for, without user info, fragment and query values
	Host     string   // of the last hop, with the port when it is not the usual one
	Address  string   // of the last connection, "192.0.2.1:443"; "" when there was none
	Proxy    string   // that the last connection went through; Address is its own for plain HTTP, which names no other
	Via      []string // hosts of the hops before it, in order
	Status   int      // of the last reply; 0 when there was none
	Verdict  Verdict
	BytesIn  int64 // of reply bodies, after decompression
	BytesOut int64 // of request bodies
	Elapsed  time.Duration
	Error    string // the Error's message; "" for a reply
	Note     string // what else a reader should know

	// NotBefore is when the last host may be asked again by this charm; zero when
	// it may at once.
	NotBefore time.Time
}

// Verdict is how a request ended.
type Verdict string

// The verdicts of an Entry.
const (
	VerdictSent     Verdict = "sent"     // a reply came from outside
	VerdictLocal    Verdict = "local"    // the toolshed answered in process
	VerdictRefused  Verdict = "refused"  // the rules forbid the destination
	VerdictLimited  Verdict = "limited"  // a limit ended it
	VerdictFailed   Verdict = "failed"   // nobody there, or not speaking properly
	VerdictCanceled Verdict = "canceled" // the run ended first
	VerdictAsked    Verdict = "asked"    // a person has to allow the host first
	VerdictHeldOff  Verdict = "held_off" // the host is not asked for a while
)

// maxEntryURL bounds the URL kept in a row.
const maxEntryURL = 1000

// redactURL keeps scheme, host, path and the names of the query's parameters.
func redactURL(raw string) string {
	if len(raw) > maxURLBytes {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if u.Opaque != "" {
		u.Opaque = "*" // "data:…", "mailto:…": all content, no address
	}
	if u.RawQuery != "" {
		u.RawQuery = redactQuery(u.RawQuery)
	}
	return clip(u.String(), maxEntryURL)
}

func redactQuery(query string) string {
	var kept strings.Builder
	for parameter := range strings.SplitSeq(query, "&") {
		if kept.Len() > maxEntryURL {
			break
		}
		if kept.Len() > 0 {
			kept.WriteByte('&')
		}
		if name, _, hasValue := strings.Cut(parameter, "="); hasValue && !strings.Contains(name, ";") {
			kept.WriteString(name + "=")
		}
		kept.WriteByte('*')
	}
	return kept.String()
}

// hostOf is the host of an address that was not accepted, as far as it can be
// told.
func hostOf(raw string) string {
	_, rest, found := strings.Cut(raw, "://")
	if !found {
		return ""
	}
	if end := strings.IndexAny(rest, "/?#\\"); end >= 0 {
		rest = rest[:end]
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	return clip(rest, 255)
}
