package trial

import (
	"encoding/json"
	"strconv"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/jsontext"
)

// Expectation is what a cell should hold in the end.
type Expectation struct {
	Path string // from the result, keys between slashes or dots
	Want json.RawMessage
}

// Unmet lists the expectations that the result does not meet.
func Unmet(result json.RawMessage, list []Expectation) ([]api.Unmet, error) {
	var unmet []api.Unmet
	var root any
	if result != nil {
		var err error
		if root, err = jsontext.Parse(result, jsontext.DefaultLimits); err != nil {
			return nil, err
		}
	}
	for _, e := range list {
		want, err := jsontext.Parse(e.Want, jsontext.DefaultLimits)
		if err != nil {
			return nil, err
		}
		got, there := at(root, cell.ParsePath(e.Path))
		if there && jsontext.Equal(want, got) {
			continue
		}
		u := api.Unmet{Path: e.Path, Want: e.Want}
		if there {
			u.Got = jsontext.Append(nil, got)
		}
		unmet = append(unmet, u)
	}
	return unmet, nil
}

func at(v any, path []string) (any, bool) {
	for _, key := range path {
		switch in := v.(type) {
		case *jsontext.Object:
			member, ok := in.Get(key)
			if !ok {
				return nil, false
			}
			v = member
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(in) {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}
