package live

import (
	"regexp"
	"strings"
	"sync"

	"charmd/internal/jsontext"
)

// What a recipe may put on a page. Whatever is not named here does not reach a
// browser: of an element that is not named only a container that does nothing,
// and of what could run, load or send something not even that.

// dropped are elements that vanish with all they hold.
var dropped = set("script style link meta base title head template noscript iframe frame frameset object embed applet param portal svg math xml plaintext xmp noembed noframes")

// plain are the elements of HTML that are shown as they are.
var plain = set(`a abbr address article aside b blockquote br button caption cite code col colgroup dd del details dfn div dl dt em
	fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr i input ins kbd label legend li main mark menu meter nav ol
	optgroup option output p pre progress q s samp section select small span strong sub summary sup table tbody td textarea tfoot th
	thead time tr u ul var wbr`)

// Names that stand for elements that do nothing.
const (
	inert    = "charm-box"      // in the place of what is not known
	fragment = "charm-fragment" // children without an element around them
)

// everywhere are the attributes of all elements.
var everywhere = set("class dir hidden id lang role style tabindex title")

// steady are elements that act for the operator and not for the charm. A charm does
// not say how they look, so that they are what they are taken for.
var steady = set("common-google-oauth common-updater")

// special are the attributes of some.
var special = map[string]map[string]bool{
	"a":        set("href"),
	"button":   set("disabled name value"),
	"col":      set("span"),
	"colgroup": set("span"),
	"details":  set("open"),
	"fieldset": set("disabled"),
	"input": set(`autocomplete checked disabled inputmode max maxlength min minlength multiple name pattern placeholder readonly required
		size step type value`),
	"label":    set("for"),
	"li":       set("value"),
	"meter":    set("high low max min optimum value"),
	"ol":       set("reversed start"),
	"optgroup": set("disabled label"),
	"option":   set("disabled label selected value"),
	"progress": set("max value"),
	"select":   set("autocomplete disabled multiple name required size value"),
	"td":       set("colspan rowspan"),
	"textarea": set("autocomplete cols disabled maxlength minlength name placeholder readonly required rows value wrap"),
	"th":       set("colspan rowspan scope"),
	"time":     set("datetime"),

	"common-button":       set("disabled label variant"),
	"common-draggable":    set("x y"),
	"common-google-oauth": set("label"),
	"common-hstack":       set("align gap justify pad wrap"),
	"common-input":        set("appearance disabled label name placeholder readonly type value"),
	"common-send-message": set("disabled label name placeholder"),
	"common-table":        set("columns data label"),
	"common-todo":         set("checked label placeholder value"),
	"common-updater":      set("integration"),
	"common-vstack":       set("align gap justify pad"),
	"os-container":        set(""),
	"sl-button":           set("disabled outline pill size variant"),
}

// structured are attributes that may hold more than a scalar.
var structured = map[string]bool{"common-table columns": true, "common-table data": true}

// writable are the cells that an element may be bound to with a $, and what of
// their value it is told. Of an account only who it is: what it holds else is
// secret. A page has no need of other values, and does not get them.
var writable = map[string]map[string]func(value any, link *jsontext.Object) any{
	"common-google-oauth": {"auth": account},
	"common-input":        {"value": plainly},
	"common-todo":         {"checked": plainly, "value": plainly},
	"input":               {"checked": plainly, "value": plainly},
	"select":              {"value": plainly},
	"textarea":            {"value": plainly},
}

// inputTypes are the kinds of input that only take what is typed or chosen.
var inputTypes = set(`checkbox color date datetime-local email month number password radio range search tel text time url week`)

// events are those that come of what a person does, and those that our elements
// tell of it. Others, such as toggle or scroll, come by themselves when a page is
// drawn, and would run a charm whenever somebody looks at it.
var events = set(`auxclick blur change click contextmenu dblclick drag dragend dragenter dragleave dragover dragstart drop focus focusin
	focusout input keydown keypress keyup mousedown mouseenter mouseleave mousemove mouseout mouseover mouseup pointercancel pointerdown
	pointerenter pointerleave pointermove pointerout pointerover pointerup submit
	common-blur common-change common-input common-keydown messagesend positionchange todo-blur todo-checked todo-input`)

// aliases are names of properties whose attribute is called otherwise.
var aliases = map[string]string{"classname": "class", "htmlfor": "for"}

func set(names string) map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		m[name] = true
	}
	return m
}

var elementName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`) })

// element is what a browser makes of an element a recipe names; "" for nothing.
func element(name string) string {
	name = strings.ToLower(name)
	switch {
	case name == "fragment":
		return fragment
	case dropped[name], len(name) > mostOfName:
		return ""
	case !elementName().MatchString(name):
		return inert
	}
	if _, ours := special[name]; ours || plain[name] {
		return name
	}
	return inert
}

var ariaName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(aria|data)-[a-z0-9-]{1,60}$`) })

// dataPrefix keeps a charm's own data apart from what the page around it goes by.
const dataPrefix = "data-charm-"

// attribute is the name and value a browser gets of an attribute of element of;
// ok is false when it gets nothing. value is a scalar, or what a structured
// attribute holds.
func attribute(of, name string, value any) (string, any, bool) {
	name = strings.ToLower(name)
	if to, ok := aliases[name]; ok {
		name = to
	}
	if !everywhere[name] && !special[of][name] && !ariaName().MatchString(name) {
		return "", nil, false
	}
	if steady[of] && (name == "style" || name == "class") {
		return "", nil, false
	}
	if rest, ok := strings.CutPrefix(name, "data-"); ok {
		name = dataPrefix + rest
	}
	text, isText := value.(string)
	switch name {
	case "style":
		text = style(value)
		return name, text, text != ""
	case "href":
		text = address(text)
		return name, text, text != ""
	case "id", "for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "aria-activedescendant":
		// So that no element of a charm is taken for one of the page around it.
		return name, scoped(text), isText && text != ""
	case "type":
		text = strings.ToLower(text)
		return name, text, inputTypes[text]
	}
	if !structured[of+" "+name] {
		value = scalar(value)
	}
	return name, value, value != nil
}

// scoped makes ids of a charm its own.
func scoped(ids string) string {
	words := strings.Fields(ids)
	for i, w := range words {
		words[i] = "charm-" + w
	}
	return strings.Join(words, " ")
}

// address is a link that may be followed, "" for any other.
func address(href string) string {
	// Browsers leave out control characters before they look for the scheme.
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, href)
	clean = strings.TrimSpace(clean)
	scheme, _, found := strings.Cut(clean, ":")
	if !found || strings.ContainsAny(scheme, "/?#") {
		return clean // within this site
	}
	switch strings.ToLower(scheme) {
	case "http", "https", "mailto", "tel":
		return clean
	}
	return ""
}

// eventName is the event that a property of this name handles; "" for none.
func eventName(prop string) string {
	name := strings.ToLower(prop)
	if !strings.HasPrefix(name, "on") {
		return ""
	}
	name = strings.TrimPrefix(name[2:], ":")
	if !events[name] {
		return ""
	}
	return name
}
