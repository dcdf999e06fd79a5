package webhost

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSelector(t *testing.T) {
	t.Parallel()
	const (
		a    = `{"tests":[{"kind":"type","name":"a","operator":"","value":""}],"combinator":""}`
		pick = `{"selectors":[[{"tests":[`
		end  = `],"combinator":""}]]}`
	)
	for text, want := range map[string]string{
		" a\n":                    `{"selectors":[[` + a + `]]}`,
		"a,a":                     `{"selectors":[[` + a + `],[` + a + `]]}`,
		"*":                       pick + `{"kind":"any","operator":"","value":""}` + end,
		`svg|a`:                   pick + `{"kind":"type","name":"svg|a","operator":"","value":""}` + end,
		`f\:t#i\.d.é`:             pick + `{"kind":"type","name":"f:t","operator":"","value":""},{"kind":"id","name":"i.d","operator":"","value":""},{"kind":"class","name":"é","operator":"","value":""}` + end,
		"[x]":                     pick + `{"kind":"attribute","name":"x","operator":"","value":""}` + end,
		`[ a:x ~= "y z" ]`:        pick + `{"kind":"attribute","name":"a:x","operator":"~=","value":"y z"}` + end,
		`[x^='']`:                 pick + `{"kind":"attribute","name":"x","operator":"^=","value":""}` + end,
		"[x$=1]":                  pick + `{"kind":"attribute","name":"x","operator":"$=","value":"1"}` + end,
		":nth-child( 2 )":         pick + `{"kind":"nth-child","operator":"","value":" 2 "}` + end,
		":first-child:last-child": pick + `{"kind":"first-child","operator":"","value":""},{"kind":"last-child","operator":"","value":""}` + end,
		":not(a,a)":               pick + `{"kind":"not","operator":"","value":"","inner":[[` + a + `],[` + a + `]]}` + end,
		"a > *":                   `{"selectors":[[` + a + `,{"tests":[{"kind":"any","operator":"","value":""}],"combinator":"\u003e"}]]}`,
		"+*":                      `{"selectors":[[{"tests":[],"combinator":""},{"tests":[{"kind":"any","operator":"","value":""}],"combinator":"+"}]]}`,
		"\u3000a *~*":             `{"selectors":[[` + a + `,{"tests":[{"kind":"any","operator":"","value":""}],"combinator":" "},{"tests":[{"kind":"any","operator":"","value":""}],"combinator":"~"}]]}`,
	} {
		if got := Selector(text); got != want {
			t.Errorf("%q is\n%s, want\n%s", text, got, want)
		}
	}
	for text, part := range map[string]string{
		"": "", " ": " ", "a,": "a,", "a >": "a >", ",a": ",a", "a:hover": "a:hover", "[x": "[x", "[x=]": "[x=]", "a)": "a)", "#": "#",
		"a:not(:hover)": ":hover", "a:not": "", "a:not(:not(b))": "",
		"a" + strings.Repeat(" a", maxSelectorBytes/2): "a" + strings.Repeat(" a", maxSelectorBytes/2),
	} {
		var got struct{ Invalid *string }
		if err := json.Unmarshal([]byte(Selector(text)), &got); err != nil || got.Invalid == nil || *got.Invalid != part {
			t.Errorf("%q is %s, want %q to be invalid", text, Selector(text), part)
		}
	}
}

// A few KiB of it took seconds: every bracket was looked for to the end of the text.
func TestSelectorOfOpenBrackets(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("[a=b", maxSelectorBytes/4)
	if selectors, invalid := parseSelector(text); invalid == nil || *invalid != text {
		t.Errorf("brackets that nothing closes are %d selectors", len(selectors))
	}
}

// What is taken reads as the same when it is written again, and has something to
// match in each alternative.
func FuzzSelector(f *testing.F) {
	for _, text := range []string{
		"a, b > .c + #d ~ *", `svg|a f\:t.é`, `[x][ a:x ~= "y z" ][x^=''][x$=1]`, ":not(a, .b):nth-child( 2 )", "+*", "a >> b", `[x="'b]`, "*a:first-child()b",
		"\u3000a\u3000.b", "[a=b[a=b", "a:not(:hover)", "\xed\xa0\x80", ":not", ",",
	} {
		f.Add(text)
	}
	read := func(t *testing.T, text string) (selectors []selector, invalid bool) {
		var got struct {
			Selectors []selector
			Invalid   *string
		}
		if err := json.Unmarshal([]byte(Selector(text)), &got); err != nil || (got.Selectors == nil) == (got.Invalid == nil) {
			t.Fatalf("%q is %s: %v", text, Selector(text), err)
		}
		return got.Selectors, got.Invalid != nil
	}
	f.Fuzz(func(t *testing.T, text string) {
		selectors, invalid := read(t, text)
		for _, s := range selectors {
			if last := s[len(s)-1]; len(last.Tests) == 0 || s[0].Combinator != "" {
				t.Errorf("%q is %+v", text, selectors)
			}
		}
		written := writeSelectors(selectors)
		if invalid || len(written) > maxSelectorBytes {
			return
		}
		again, _ := read(t, written)
		if diff := cmp.Diff(selectors, again); diff != "" {
			t.Errorf("%q is written as %q, which is another: %s", text, written, diff)
		}
	})
}

var notInNames = regexp.MustCompile(`[\x00-,./:-@\[-^\x60{-\x7f]`)

func writeSelectors(list []selector) string {
	var alternatives []string
	for _, s := range list {
		var b strings.Builder
		for _, c := range s {
			b.WriteString(c.Combinator)
			for _, test := range c.Tests {
				b.WriteString(writeTest(test))
			}
		}
		alternatives = append(alternatives, b.String())
	}
	return strings.Join(alternatives, ",")
}

func writeTest(test elementTest) string {
	name := notInNames.ReplaceAllString(test.Name, `\$0`)
	switch test.Kind {
	case "any":
		return "*"
	case "type":
		return name
	case "id":
		return "#" + name
	case "class":
		return "." + name
	case "not":
		return ":not(" + writeSelectors(test.Inner) + ")"
	case "attribute":
		quote := `"`
		switch {
		case test.Operator == "":
			return "[" + test.Name + "]"
		case strings.Contains(test.Value, `"`) && strings.Contains(test.Value, "'"):
			quote = ""
		case strings.Contains(test.Value, `"`):
			quote = "'"
		}
		return "[" + test.Name + test.Operator + quote + test.Value + quote + "]"
	}
	return fmt.Sprintf(":%s(%s)", test.Kind, test.Value)
}
