package live

import (
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/jsontext"
)

// Lost is an account that a person must connect again.
type Lost struct {
	charm.Connection
	Words string // how it stands, for people
}

// lostJSON is what a page is told of such accounts.
func lostJSON(list []Lost) []any {
	out := []any{}
	for _, l := range list {
		o := jsontext.NewObject()
		o.Set("id", l.ID)
		o.Set("provider", l.Provider)
		o.Set("words", l.Words)
		if l.Cell.ID != "" {
			o.Set("cell", authLink(l.Space, cell.Location{ID: l.Cell.ID, Path: l.Cell.Path}))
		}
		out = append(out, o)
	}
	return out
}

// authLink is the link to a cell as pages send it.
func authLink(space string, at cell.Location) *jsontext.Object {
	link := at.Link()
	link.Set("space", space)
	return link
}

// account is who is connected by what an account's cell holds, without a token,
// and the link to the cell, by which the service is asked to connect somebody.
func account(v any, link *jsontext.Object) any {
	out := jsontext.NewObject()
	out.Set("cell", link)
	o, ok := v.(*jsontext.Object)
	if !ok {
		out.Set("connected", false)
		return out
	}
	token, _ := o.Get("token")
	text, _ := token.(string)
	out.Set("connected", text != "")
	user, _ := o.Get("user")
	if user, ok := user.(*jsontext.Object); ok {
		for _, key := range []string{"name", "email"} {
			if s, _ := user.Get(key); scalar(s) != nil {
				out.Set(key, s)
			}
		}
	}
	return out
}
