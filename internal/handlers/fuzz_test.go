package handlers

import (
	"reflect"
	"testing"

	"charmd/internal/charm"
	"charmd/internal/jsontext"
	"charmd/internal/memory"
	"charmd/internal/store"
)

// saying is a store in which every place holds the same.
type saying struct {
	store.Reader
	is []byte
}

func (s saying) Head(int64, string, string) (store.Fact, error) { return store.Fact{Is: s.is}, nil }

// What stands in a mark's place is written by whoever may write the space. Whatever it
// is, a mark is read of it that comes back when it is written, that does not grow, and
// in which the next run of ours is found.
func FuzzMark(f *testing.F) {
	f.Add([]byte(`{"run":"01J","job":"j","seq":3,"outcome":"ok","services":{"a":{"run":"r","job":"k","seq":2,"again":true}}}`))
	f.Add([]byte(`{"seq":1e308,"services":{"a":{"seq":-1e308},"b":[],"c":{"seq":"x"}}}`))
	f.Add([]byte(`{"seq":-5,"services":{"1":{"seq":9},"2":{"seq":9},"3":{"seq":9},"4":{"seq":9},"5":{"seq":9},"6":{"seq":9},"7":{"seq":9},"8":{"seq":9},` +
		`"9":{"seq":9},"a":{"seq":9},"b":{"seq":9},"c":{"seq":9},"d":{"seq":9},"e":{"seq":9},"f":{"seq":9},"g":{"seq":9},"h":{"seq":9}}}`))
	f.Add([]byte(`[1]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		read := func(text []byte) (mark, error) { return readMark(saying{is: text}, charm.Space{}, memory.Version{}) }
		m, err := read(text)
		if err != nil {
			return
		}
		if again, err := read(jsontext.Append(nil, m.value())); err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%s is read as %+v, and written and read again as %+v, %v", text, m, again, err)
		}
		next := m.with("ours", entry{Run: "run", Job: "job"})
		mine, ok := next.services["ours"]
		if !ok || mine.Run != "run" || mine != next.last || len(next.services) > max(mostServices, 1) {
			t.Errorf("%s: the mark after a run of ours is %+v", text, next)
		}
	})
}
