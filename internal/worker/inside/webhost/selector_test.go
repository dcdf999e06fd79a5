package webhost

import (
	"encoding/json"
	"strings"
	"testing"
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
