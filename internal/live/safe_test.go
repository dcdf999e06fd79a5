package live

import (
	"strings"
	"testing"

	"charmd/internal/jsontext"
)

func TestWhatElementsBecome(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"div": "div", "DIV": "div", "common-input": "common-input", "os-container": "os-container", "Fragment": fragment,
		"script": "", "SCRIPT": "", "style": "", "iframe": "", "IFrame": "", "object": "", "embed": "", "meta": "", "base": "", "link": "",
		"svg": "", "math": "", "template": "", "noscript": "", "frameset": "", "applet": "", "portal": "",
		"svg:script": inert, "script ": inert, "x-foo": inert, "img": inert, "video": inert, "body": inert, "marquee": inert,
		"": inert, "div onclick=x": inert, "a\x00": inert, "common-evil": inert, "sl-dialog": inert, "charm-box": inert, "form-associated": inert,
		strings.Repeat("a", mostOfName+1): "",
	} {
		if got := element(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

func TestWhatAttributesBecome(t *testing.T) {
	t.Parallel()
	const gone = "-"
	for _, c := range []struct{ of, name, value, want string }{
		{"a", "href", `"https://example.org/x?y#z"`, `href="https://example.org/x?y#z"`},
		{"a", "href", `"/home/x:y"`, `href="/home/x:y"`},
		{"a", "href", `"?a:b"`, `href="?a:b"`},
		{"a", "href", `"mailto:a@b"`, `href="mailto:a@b"`},
		{"a", "href", `"javascript:alert(1)"`, gone},
		{"a", "href", `" JAVA\tscript:alert(1)"`, gone},
		{"a", "href", `"java\nscript:alert(1)"`, gone},
		{"a", "href", `"\u0000javascript:alert(1)"`, gone},
		{"a", "href", `"javascript&colon;alert(1)"`, `href="javascript&colon;alert(1)"`}, // a name within this site: it is no HTML
		{"a", "href", `"data:text/html,x"`, gone},
		{"a", "href", `"vbscript:x"`, gone},
		{"a", "href", `"blob:https://x"`, gone},
		{"a", "href", `"file:///etc/passwd"`, gone},
		{"a", "href", `7`, gone},
		{"p", "href", `"https://example.org"`, gone},
		{"a", "target", `"_top"`, gone},
		{"a", "ping", `"https://x"`, gone},
		{"a", "download", `"x"`, gone},
		{"div", "onclick", `"x"`, gone},
		{"div", "ONCLICK", `"x"`, gone},
		{"div", "innerHTML", `"<b>"`, gone},
		{"div", "srcdoc", `"<b>"`, gone},
		{"div", "nonce", `"x"`, gone},
		{"div", "is", `"x"`, gone},
		{"div", "slot", `"x"`, gone},
		{"div", "contenteditable", `true`, gone},
		{"div", "popover", `"auto"`, gone},
		{"div", "__proto__", `"x"`, gone},
		{"div", "constructor", `"x"`, gone},
		{"form", "action", `"/x"`, gone},
		{"button", "formaction", `"/x"`, gone},
		{"button", "form", `"x"`, gone},
		{"input", "type", `"image"`, gone},
		{"input", "type", `"FILE"`, gone},
		{"input", "type", `"hidden"`, gone},
		{"input", "type", `"Date"`, `type="date"`},
		{"common-input", "type", `"file"`, gone},
		{"common-input", "type", `"image"`, gone},
		{"common-input", "type", `"hidden"`, gone},
		{"common-input", "type", `"Password"`, `type="password"`},
		{"common-updater", "style", `"opacity: 0"`, gone},
		{"common-updater", "className", `"x"`, gone},
		{"common-google-oauth", "style", `{"position":"fixed"}`, gone},
		{"common-google-oauth", "class", `"x"`, gone},
		{"common-google-oauth", "label", `"x"`, `label="x"`},
		{"input", "src", `"x"`, gone},
		{"input", "value", `5`, `value=5`},
		{"input", "checked", `false`, `checked=false`},
		{"input", "value", `{"a":1}`, gone},
		{"div", "id", `"main x"`, `id="charm-main charm-x"`},
		{"div", "aria-labelledby", `"a"`, `aria-labelledby="charm-a"`},
		{"div", "aria-onclick=x", `"a"`, gone},
		{"div", "style", `"color: red; background: url(x)"`, `style="color: red"`},
		{"div", "style", `"COLOR: Red;;b;width:calc(1px + 2px)"`, `style="color: Red; width: calc(1px + 2px)"`},
		{"div", "style", `"background: u\\72l(x)"`, gone},
		{"div", "style", `"background: /**/url(x)"`, gone},
		{"div", "style", `"background: image-set('x' 1x)"`, gone},
		{"div", "style", `"width: expression(x)"`, gone},
		{"div", "style", `"behavior: x; -moz-binding: x"`, gone},
		{"div", "style", `"color: red} * {color: blue"`, gone},
		{"div", "style", `"--x: 1px"`, `style="--x: 1px"`},
		{"div", "style", `{"fontSize":0,"lineHeight":2,"width":5,"cssText":"x: y","opacity":true}`, `style="font-size: 0; line-height: 2; width: 5px; css-text: x: y"`},
		{"div", "style", `7`, gone},
	} {
		name, value, ok := attribute(c.of, c.name, parse(t, strings.ReplaceAll(c.value, "a@b", "ab")))
		got := gone
		if ok {
			got = name + "=" + jsontext.Text(value)
		}
		if want := strings.ReplaceAll(c.want, "a@b", "ab"); got != want {
			t.Errorf("%s %s=%s: %s, want %s", c.of, c.name, c.value, got, want)
		}
	}
}

func TestWhatEventsBecome(t *testing.T) {
	t.Parallel()
	for prop, want := range map[string]string{
		"onClick": "click", "onclick": "click", "onKeyDown": "keydown", "oncommon-input": "common-input", "onmessagesend": "messagesend", "on:click": "click",
		"onDragStart": "dragstart", "ontodo-checked": "todo-checked", "onPositionChange": "positionchange", "onsubmit": "submit",
		"onToggle": "", "onload": "", "onerror": "", "onanimationstart": "", "ontransitionend": "", "onscroll": "", "onresize": "",
		"onbeforetoggle": "", "onslotchange": "", "oninvalid": "", "onselectionchange": "", "oncommon-strange": "",
		"click": "", "on": "", "on click": "", "onclick ": "", "on-": "", "on" + strings.Repeat("x", mostOfName+1): "",
	} {
		if got := eventName(prop); got != want {
			t.Errorf("%q is the event %q, want %q", prop, got, want)
		}
	}
}

// Whatever a recipe shows, what reaches a browser is of what may.
func FuzzRender(f *testing.F) {
	f.Add(vnode("div", `{"onclick":"x","style":"a:b"}`, `"x"`, vnode("script", "{}")))
	f.Add(`{"type":"vnode","name":"a","props":{"href":"java\nscript:x","$value":{"$alias":{"path":[]}}},"children":[[1,[2]],{"$UI":{}}]}`)
	f.Add(`{"$alias":{"path":["$UI"]}}`)
	f.Fuzz(func(t *testing.T, ui string) {
		v, err := jsontext.Parse([]byte(ui), jsontext.Limits{Depth: 200, Bytes: 64 << 10})
		if err != nil {
			return
		}
		docs := stock(t, "null")
		value, _ := docs[id("charm")].Get("value")
		value.(*jsontext.Object).Set("$UI", v)
		inspect(t, draw(t, docs).root)
	})
}

func inspect(t *testing.T, n *node) {
	if n.name != "" && n.name != inert && n.name != fragment && !plain[n.name] && special[n.name] == nil {
		t.Errorf("an element %q", n.name)
	}
	for _, a := range n.attrs {
		if strings.HasPrefix(a.name, "on") || !elementName().MatchString(a.name) {
			t.Errorf("an attribute %q", a.name)
		}
		if text, _ := a.value.(string); a.name == "href" && strings.Contains(strings.ToLower(strings.Join(strings.Fields(text), "")), "script:") && !strings.ContainsAny(text, "/?#") {
			t.Errorf("a link to %q", text)
		}
	}
	for _, kid := range n.kids {
		inspect(t, kid)
	}
}
