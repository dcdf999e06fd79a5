package client

import (
	"testing"

	"charmd/internal/jsontext"
	"charmd/internal/merkle"
)

// What a toolshed answers to a query, and tells subscribers, is facts that are named by
// what they say: each is the one after its cause, and put into a transaction it is read
// as the same.
func FuzzChanges(f *testing.F) {
	const the, of = "application/json", "of:baedrei"
	first := Fact{Place: Place{the, of}}.Assert(jsontext.NewObject())
	f.Add(`{"` + of + `":{"` + the + `":{"` + first.Cause.String() + `":{"is":{"value":1}}}},"of:b":{"` + the + `":{"` + first.Ref.String() + `":{}}}}`)
	f.Add(`{"` + of + `":{"` + the + `":{"` + first.Ref.String() + `":true,"x":{}}}}`)
	f.Add(`{"` + of + `":[],"` + of + `":{"":{"` + first.Ref.String() + `":{"is":null}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := jsontext.Parse([]byte(text), jsontext.Limits{Depth: 480})
		changes, ok := v.(*jsontext.Object)
		if err != nil || !ok {
			return
		}
		var facts []Fact
		all := func(Place) bool { return true }
		if eachChange(changes, all, func(f Fact) { facts = append(facts, f) }) != nil {
			return
		}
		for _, f := range facts {
			var is *merkle.Ref
			if f.Has {
				ref := merkle.Refer(f.Is)
				is = &ref
			}
			if f.Ref != merkle.FactRef(f.The, f.Of, is, f.Cause) || f.Cause.IsZero() {
				t.Errorf("%s is read as the fact %+v", text, f)
			}
			args, err := transaction([]Fact{f}, nil)
			if err != nil {
				t.Fatalf("%+v cannot be written: %v", f, err)
			}
			var again []Fact
			if err := eachChange(object(args, "changes"), all, func(f Fact) { again = append(again, f) }); err != nil || len(again) != 1 || again[0].Ref != f.Ref || again[0].Place != f.Place {
				t.Errorf("%+v is written and read as %+v, %v", f, again, err)
			}
		}
	})
}

// A conflict that a toolshed tells of is told on, whatever it is.
func FuzzConflict(f *testing.F) {
	ref := merkle.Refer("x").Link()
	f.Add(`{"space":"did:key:z6Mk","the":"application/json","of":"of:a","expected":{"/":"` + ref + `"},"actual":{"the":"a","of":"of:a","is":{"value":1},"cause":{"/":"` + ref + `"}}}`)
	f.Add(`{"expected":null,"actual":null}`)
	f.Add(`{"expected":{"/":"baedrei"},"actual":{"cause":{}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := jsontext.Parse([]byte(text), jsontext.DefaultLimits)
		o, ok := v.(*jsontext.Object)
		if err != nil || !ok {
			return
		}
		c, err := readConflict(o)
		if err != nil {
			return
		}
		if c.Error() == "" {
			t.Errorf("%s is told as nothing", text)
		}
		if _, is := member(o, "actual").(*jsontext.Object); is != (c.Actual != nil) {
			t.Errorf("%s is read as %+v", text, c)
		}
		if c.Actual != nil && (c.Actual.Ref.IsZero() || !c.Actual.follows(Fact{Place: c.Actual.Place, Ref: c.Actual.Cause}) && !c.Actual.Cause.IsZero()) {
			t.Errorf("%s is read as what is no fact: %+v", text, c.Actual)
		}
	})
}
