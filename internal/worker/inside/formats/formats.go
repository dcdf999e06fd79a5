// Package formats reads what the web's services answer with beside JSON, XML and
// HTML: texts in whatever encoding, headers of mail, multipart bodies, calendars. It
// exists because recipes would need hundreds of lines for each, and script would take
// a hundred times longer.
//
// Input is anybody's: every function takes all bytes there are, and forgives what is
// commonly wrong where the meaning is plain.
package formats

import (
	"encoding/base64"
	"mime"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"charmd/internal/worker/inside/webhost"
)

const maxBytes = 16 << 20 // of anything read here

// tooLarge is the refusal of more than maxBytes.
func tooLarge(what string) error {
	return &webhost.Exception{Name: "RangeError", Message: "the " + what + " is larger than 16 MiB"}
}

var declared = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^\s*<\?xml[^>]{0,200}\sencoding\s*=\s*["']([-\w.:]{1,40})["']|<meta[^>]{0,200}charset\s*=\s*["']?([-\w.:]{1,40})`)
})

// Text is b as text. Its encoding is, in this order, that of its byte order mark, of
// the Content-Type, of an XML declaration or a meta element, UTF-8. A text that says
// it is UTF-8, or nothing, and is not, is read as windows-1252, and one that says it is
// Latin and is UTF-8 as UTF-8: servers name both by habit.
func Text(b []byte, contentType string) (string, error) {
	if len(b) > maxBytes {
		return "", tooLarge("text")
	}
	label := charset(b, contentType)
	switch strings.ToLower(label) {
	case "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252", "":
		label = "utf-8"
		if !utf8.Valid(b) {
			label = "windows-1252"
		}
	}
	text, err := webhost.DecodeText(b, label, false)
	if err != nil { // an encoding that nobody knows
		return webhost.DecodeText(b, "utf-8", false)
	}
	return text, nil
}

func charset(b []byte, contentType string) string {
	switch start := string(b[:min(len(b), 3)]); {
	case start == "\xEF\xBB\xBF":
		return "utf-8"
	case strings.HasPrefix(start, "\xFF\xFE"):
		return "utf-16le"
	case strings.HasPrefix(start, "\xFE\xFF"):
		return "utf-16be"
	}
	if _, params, err := mime.ParseMediaType(contentType); err == nil && params["charset"] != "" {
		return params["charset"]
	}
	if m := declared().FindSubmatch(b[:min(len(b), 1024)]); m != nil {
		return string(m[1]) + string(m[2])
	}
	return ""
}

// Base64 is the bytes of base64 in either alphabet, with padding or without; blanks
// are passed over.
func Base64(text string) ([]byte, error) {
	plain := strings.NewReplacer("-", "+", "_", "/", "=", "", " ", "", "\r", "", "\n", "").Replace(text)
	b, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil {
		return nil, &webhost.Exception{Name: "InvalidCharacterError", Message: "the text is not base64: " + err.Error()}
	}
	return b, nil
}
