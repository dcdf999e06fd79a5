package jsontext

import (
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestObjectOrder(t *testing.T) {
	t.Parallel()
	o := NewObject()
	for i, key := range []string{"b", "10", "a", "2", "b", "0", "x"} {
		o.Set(key, i)
	}
	if diff := cmp.Diff([]string{"0", "2", "10", "b", "a", "x"}, o.Keys()); diff != "" {
		t.Error(diff)
	}
	if v, ok := o.Get("b"); !ok || v != 4 {
		t.Errorf("b = %v, %v", v, ok)
	}
	for _, key := range []string{"2", "a"} {
		if !o.Delete(key) || o.Delete(key) {
			t.Errorf("deleting %s twice", key)
		}
		if v, ok := o.Get(key); ok {
			t.Errorf("%s is still %v", key, v)
		}
	}
	o.Set("a", 9)
	if got := Text(o); got != `{"0":5,"10":1,"b":4,"x":6,"a":9}` {
		t.Error(got)
	}
}

func TestChild(t *testing.T) {
	t.Parallel()
	o := mustParse(t, `{"a":{"b":1},"c":2}`).(*Object)
	o.Child("a").Child("d").Set("e", true)
	o.Child("a").Child("d").Set("f", false)
	o.Child("c").Set("g", nil)
	if got := Text(o); got != `{"a":{"b":1,"d":{"e":true,"f":false}},"c":{"g":null}}` {
		t.Error(got)
	}
}

func TestNilAndZeroObject(t *testing.T) {
	t.Parallel()
	var none *Object
	if _, ok := none.Get("a"); ok || none.Len() != 0 || none.Delete("a") || len(none.Keys()) != 0 || Text(none) != "null" {
		t.Error("a nil object must be empty")
	}
	if Equal(none, NewObject()) || !Equal(none, none) {
		t.Error("a nil object equals itself alone")
	}
	var zero Object
	zero.Set("a", 1)
	if Text(&zero) != `{"a":1}` {
		t.Error(Text(&zero))
	}
}

func TestAllStops(t *testing.T) {
	t.Parallel()
	o := mustParse(t, `{"1":1,"2":2,"a":3,"b":4}`).(*Object)
	for stop := 1; stop <= o.Len(); stop++ {
		n := 0
		for range o.All() {
			if n++; n == stop {
				break
			}
		}
		if n != stop {
			t.Errorf("stopped after %d of %d", n, stop)
		}
	}
}

func TestIsIndex(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"0", "1", "9", "10", "4294967293", "4294967294", "1000000000", "999999999"} {
		if !isIndex(key) {
			t.Errorf("%q is an index", key)
		}
	}
	for _, key := range []string{"", "00", "01", "-0", "-1", "+1", "1.0", "1e1", " 1", "1 ", "4294967295", "5000000000", "10000000000", "a", "/", ":", "१"} {
		if isIndex(key) {
			t.Errorf("%q is no index", key)
		}
	}
}

// A plain list of pairs says what an object must do, for any series of changes.
func TestObjectAgainstModel(t *testing.T) {
	t.Parallel()
	type pair struct {
		key   string
		value any
	}
	rapid.Check(t, func(t *rapid.T) {
		o := NewObject()
		var model []pair
		key := rapid.Custom(func(t *rapid.T) string {
			name := strconv.Itoa(rapid.IntRange(0, 40).Draw(t, "n"))
			return rapid.SampledFrom([]string{"", "k"}).Draw(t, "prefix") + name
		})
		for i := range rapid.IntRange(1, 120).Draw(t, "steps") {
			k := key.Draw(t, "key")
			at := slices.IndexFunc(model, func(p pair) bool { return p.key == k })
			if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
				if o.Delete(k) != (at >= 0) {
					t.Fatalf("Delete(%s)", k)
				}
				if at >= 0 {
					model = slices.Delete(model, at, at+1)
				}
				continue
			}
			o.Set(k, i)
			if at >= 0 {
				model[at].value = i
			} else {
				model = append(model, pair{k, i})
			}
		}
		indices := slices.DeleteFunc(slices.Clone(model), func(p pair) bool { return p.key[0] == 'k' })
		slices.SortFunc(indices, func(a, b pair) int {
			x, _ := strconv.Atoi(a.key)
			y, _ := strconv.Atoi(b.key)
			return x - y
		})
		want := append(indices, slices.DeleteFunc(slices.Clone(model), func(p pair) bool { return p.key[0] != 'k' })...)
		var got []pair
		for k, v := range o.All() {
			got = append(got, pair{k, v})
			if found, ok := o.Get(k); !ok || found != v {
				t.Fatalf("Get(%s) = %v, %v", k, found, ok)
			}
		}
		if !slices.Equal(got, want) || o.Len() != len(want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}
