package main

import "testing"

// What a run loads and commits does not depend on the machine: a feed its items,
// a list the row that changed, whatever their length.
func TestRecipesLoadWhatTheyRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		shape             shape
		loaded, committed int
	}{{feed(100), 103, 0}, {oneChange(600), 6, 2}}
	for _, tt := range tests {
		t.Run(tt.shape.name, func(t *testing.T) {
			t.Parallel()
			tt.shape.repeat = 2
			r, err := tt.shape.measure()
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int{"documents_loaded": tt.loaded, "documents_committed": tt.committed}
			for _, f := range r {
				for name, n := range want {
					if f.Name == tt.shape.name+"_"+name && f.Value != n {
						t.Errorf("%s is %v, want %d", f.Name, f.Value, n)
					}
				}
			}
		})
	}
}
