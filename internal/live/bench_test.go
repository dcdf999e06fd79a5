package live

import (
	"fmt"
	"testing"
)

// One row of 2,000 changes: the page is drawn and compared anew.
func BenchmarkDraw2000Rows(b *testing.B) {
	others := []string{"rows", "", "process", ""}
	var links, items string
	for i := range 2000 {
		name := fmt.Sprintf("row%c%c%c", 'a'+i%26, 'a'+i/26%26, 'a'+i/676)
		links += link(name, "[]") + ","
		items += fmt.Sprintf(`{"text":"row %d"},`, i)
		others = append(others, name, `{"value":`+vnode("tr", "{}", vnode("td", "{}", alias("process", fmt.Sprintf(`["argument","rows",%d,"text"]`, i))))+`}`)
	}
	others[1] = `{"value":[` + links[:len(links)-1] + `]}`
	others[3] = `{"value":{"argument":{"rows":[` + items[:len(items)-1] + `]}}}`
	docs := stock(b, vnode("table", "{}", link("rows", "[]")), others...)
	before := draw(b, docs).root
	for b.Loop() {
		if share(before, draw(b, docs).root) != before {
			b.Fatal("the page has changed")
		}
	}
}
