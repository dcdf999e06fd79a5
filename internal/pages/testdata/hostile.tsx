import { h } from "@commontools/html";
import { NAME, recipe, str, UI } from "@commontools/builder";

const run = "window.hacked = true";
const H = h as any;

export default recipe(
  {
    type: "object",
    properties: {
      text: { type: "string", default: "" },
      url: { type: "string", default: "" },
      handler: { type: "string", default: "" },
    },
  },
  ({ text, url, handler }: any) => ({
    [NAME]: str`${text}`,
    [UI]: H("div", { onclick: run, onClick: handler, innerHTML: "<img src=x onerror='window.hacked=true'>", outerHTML: "x", nonce: "x" },
      H("p", { id: "said" }, text),
      H("script", { src: "/assets/x.js" }, run),
      H("SCRIPT", null, run),
      H("svg:script", null, run),
      H("svg", { onload: run }, H("script", null, run), H("a", { "xlink:href": "javascript:" + run }, "svg link")),
      H("math", null, H("maction", { "xlink:href": "javascript:" + run }, "math link")),
      H("iframe", { srcdoc: "<script>parent.hacked = true</script>", src: "javascript:parent.hacked=true" }),
      H("object", { data: "data:text/html,<script>parent.hacked=true</script>" }),
      H("embed", { src: "javascript:" + run }),
      H("meta", { httpEquiv: "refresh", content: "0;url=javascript:" + run }),
      H("base", { href: "https://evil.invalid/" }),
      H("link", { rel: "stylesheet", href: "https://evil.invalid/x.css" }),
      H("style", null, "* { display: none }"),
      H("img", { src: "x", onerror: run }),
      H("a", { href: "javascript:" + run, id: "a1" }, "one"),
      H("a", { href: "JaVaScRiPt:" + run }, "two"),
      H("a", { href: " java\tscript:" + run }, "three"),
      H("a", { href: "\u0001javascript:" + run }, "four"),
      H("a", { href: "data:text/html,<script>alert(1)</script>" }, "five"),
      H("a", { href: "vbscript:x" }, "six"),
      H("a", { href: url, ping: "https://evil.invalid/", target: "_self", onmouseover: run }, "seven"),
      H("a", { href: "https://example.org/" }, "good"),
      H("form", { action: "javascript:" + run, target: "_top" }, H("button", { formaction: "javascript:" + run, type: "submit" }, "send")),
      H("input", { type: "image", src: "x", onerror: run, autofocus: true, onfocus: run }),
      H("button", { onClick: run, is: "x-y", popovertarget: "said" }, "push"),
      H("details", { open: true, ontoggle: run }, H("summary", null, "sum")),
      H("div", { style: "color: red; background: url(https://evil.invalid/a); behavior: url(x); width: expression(alert(1))", id: "styled" }, "styled"),
      H("div", { style: { position: "fixed", inset: 0, backgroundImage: "url('https://evil.invalid/b')", zIndex: 9999 }, id: "cover" }, "cover"),
      H("div", { style: "position: fixed; inset: 0; \\62 ackground: red" }, "escaped"),
      H("x-evil onload=" + run, null, "strange name"),
      H("constructor", { __proto__: null, constructor: run, "on click": run, "onclick ": run, "x=y onclick": run }, "names"),
      H("template", null, H("script", null, run)),
      H("noscript", null, H("p", null, "<img src=x onerror='window.hacked=true'>")),
      H("div", { "data-live": "", "data-key": "x", id: "main", role: "search" }, "frame"),
    ),
    text,
  }),
);
