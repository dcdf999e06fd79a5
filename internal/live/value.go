package live

import (
	"regexp"
	"strconv"
	"strings"
	"sync"

	"charmd/internal/jsontext"
)

const (
	mostDeclarations = 100
	mostOfStyle      = 8 << 10 // bytes
)

// What a style may hold, compiled when first used, which a worker never does, so that it starts sooner.
var (
	cssProperty = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(--)?[a-z][a-z-]{0,60}$`) })
	cssValue    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[^\\;{}<>@\x00-\x1f]{1,500}$`) })
	cssUnsafe   = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)(url|image|image-set|src|expression|element|cross-fade|paint|attr|env)\s*\(|/\*|javascript:`)
	})
	cssCamel = regexp.MustCompile(`[A-Z]`)
)

// style is the declarations of a style, a text or an object of properties, that
// load nothing and run nothing. A value that looks as if it could is left out.
func style(v any) string {
	var list []string
	add := func(name, value string) {
		name = strings.ToLower(strings.TrimSpace(name))
		value = strings.TrimSpace(value)
		unsafe := name == "behavior" || strings.HasPrefix(name, "-moz-") || cssUnsafe().MatchString(value)
		if len(list) < mostDeclarations && cssProperty().MatchString(name) && cssValue().MatchString(value) && !unsafe {
			list = append(list, name+": "+value)
		}
	}
	switch v := v.(type) {
	case string:
		if len(v) > mostOfStyle {
			return ""
		}
		for d := range strings.SplitSeq(v, ";") {
			name, value, _ := strings.Cut(d, ":")
			add(name, value)
		}
	case *jsontext.Object:
		for name, value := range v.All() {
			name = cssCamel.ReplaceAllStringFunc(name, func(c string) string { return "-" + strings.ToLower(c) })
			switch value := value.(type) {
			case string:
				add(name, value)
			case float64:
				add(name, strconv.FormatFloat(value, 'f', -1, 64)+unit(name, value))
			}
		}
	}
	return strings.Join(list, "; ")
}

var unitless = set("flex flex-grow flex-shrink font-weight line-height opacity order z-index zoom")

// unit is what a bare number of a style object means.
func unit(name string, value float64) string {
	if value == 0 || unitless[name] || strings.HasPrefix(name, "--") {
		return ""
	}
	return "px"
}

// scalar is v when it is a text, a number or a truth value, else nil.
func scalar(v any) any {
	switch v.(type) {
	case string, float64, bool:
		return v
	}
	return nil
}

// plainly is scalar of what a field is bound to.
func plainly(v any, _ *jsontext.Object) any { return scalar(v) }
