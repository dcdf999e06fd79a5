package server

import "charmd/internal/jsontext"

// member is one that a body over HTTP must have.
type member struct {
	path  []string
	kind  string // of JavaScript's values
	value string // the only one allowed; "" for any
}

// shapeOf checks the members of a body as the original's validator does, and says
// what is wrong in its form; nil when nothing is.
func shapeOf(v any, cmd, arg string) []byte {
	var issues []any
	reported := map[string]bool{}
	for _, m := range []member{
		{[]string{"invocation", "cmd"}, "string", cmd},
		{[]string{"invocation", "args"}, "object", ""},
		{[]string{"invocation", "args", arg}, "object", ""},
		{[]string{"invocation", "prf"}, "array", ""},
		{[]string{"authorization", "signature"}, "object", ""},
		{[]string{"authorization", "access"}, "object", ""},
		{[]string{"invocation", "iss"}, "string", ""},
		{[]string{"invocation", "sub"}, "string", ""},
	} {
		if issue, at := m.issue(v); issue != nil && !reported[at] {
			reported[at] = true
			issues = append(issues, issue)
		}
	}
	if len(issues) == 0 {
		return nil
	}
	whole := object("success", false, "error", object("issues", issues, "name", "ZodError"))
	return jsontext.Append(nil, whole)
}

// issue is what is wrong with the member, or with the first object on the way to
// it that is none; at is where.
func (m member) issue(v any) (issue *jsontext.Object, at string) {
	path := []any{}
	there := true
	for _, key := range m.path {
		o, ok := v.(*jsontext.Object)
		if !ok {
			return mistyped("object", v, there, path), jsontext.Text(path)
		}
		path = append(path, key)
		v, there = o.Get(key)
	}
	switch {
	case m.value != "" && v != m.value:
		return m.unlike(v, path), jsontext.Text(path)
	case !there || kindOf(v) != m.kind:
		return mistyped(m.kind, v, there, path), jsontext.Text(path)
	}
	return nil, ""
}

func (m member) unlike(v any, path []any) *jsontext.Object {
	o := jsontext.NewObject()
	if v != nil {
		o.Set("received", v)
	}
	o.Set("code", "invalid_literal")
	o.Set("expected", m.value)
	o.Set("path", path)
	o.Set("message", "Invalid literal value, expected "+jsontext.Text(m.value))
	return o
}

func mistyped(want string, v any, there bool, path []any) *jsontext.Object {
	received, message := "undefined", "Required"
	if there {
		received = kindOf(v)
		message = "Expected " + want + ", received " + received
	}
	return object("code", "invalid_type", "expected", want, "received", received, "path", path, "message", message)
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

// object makes one of keys and values in turn.
func object(pairs ...any) *jsontext.Object {
	o := jsontext.NewObject()
	for i := 0; i < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}
