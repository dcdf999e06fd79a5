package registry

import (
	"strings"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/merkle"
)

// Entries of the registry's cell are written by others too. What is taken for one names
// a charm that can be, and times that can be told.
func FuzzEntry(f *testing.F) {
	id := merkle.EntityID(nil, "a charm").Link()
	f.Add(`{"space":"did:key:z6MkHome","charmId":"` + id + `","integration":"rss","createdAt":1742860800000,"updatedAt":1742860800000,"runs":0,"status":"active"}`)
	f.Add(`{"space":"did:key:z6MkHome","pieceId":"` + id + `","enabled":false,"updatedAt":-1,"disabledAt":1e400,"lastRun":1e300}`)
	f.Add(`{"space":"home","charmId":"../x"}`)
	f.Add(`[{"charmId":7}]`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
		if err != nil {
			return
		}
		e, ok := parseEntry(v)
		if !ok {
			return
		}
		if _, err := merkle.ParseLink(e.CharmID); err != nil || !charm.IsDID(e.Space) || !strings.Contains(text, "space") {
			t.Errorf("%s is taken for %+v", text, e)
		}
		for _, at := range []float64{e.CreatedAt, e.UpdatedAt, e.DisabledAt, e.LastRun} {
			if !(at >= 0 && at <= lastMoment) {
				t.Errorf("%s: the time %g", text, at)
			}
		}
		if o := v.(*jsontext.Object); e.DisabledAt == 0 {
			if enabled, has := o.Get("enabled"); has && enabled == false {
				t.Errorf("%s is taken for enabled", text)
			}
		}
	})
}
