package jsontext

import (
	"encoding/json"
	"fmt"
)

// Decode is json.Unmarshal for bytes from outside: what nests deeper than
// DefaultLimits is refused before anything is made of it. How long the text may be
// is for whoever has read it.
func Decode(text []byte, into any) error {
	if err := CheckDepth(text, DefaultLimits.Depth); err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// CheckDepth reports JSON text that nests deeper than max. It looks at brackets
// outside strings alone, so it is to be followed by a decoder.
func CheckDepth(text []byte, max int) error {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			if depth++; depth > max {
				return fmt.Errorf("nested deeper than %d", max)
			}
		case '}', ']':
			depth--
		}
	}
	return nil
}
