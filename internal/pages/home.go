package pages

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/manager"
)

// mostListed is how many charms are shown at once; a search finds the others.
const mostListed = 300

// home is the data of the page of all charms.
type home struct {
	Query    string
	Accounts []api.Connection // that want a person
	Spaces   []listedSpace
	All      int // charms there are
	Found    int // charms that the query finds
	More     int // of them that are not shown
	Add      addForm
}

type listedSpace struct {
	Name   string
	DID    string
	Charms []api.Charm
}

func (p *Pages) home(w http.ResponseWriter, r *http.Request) {
	p.showHome(w, r, http.StatusOK, addForm{})
}

func (p *Pages) showHome(w http.ResponseWriter, r *http.Request, status int, add addForm) {
	data, err := p.listed(r.Context(), strings.TrimSpace(r.URL.Query().Get("q")))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if data.Query == "" {
		data.Accounts = p.accounts(r.Context(), wantsPerson)
	}
	add.Templates = charms.Templates()
	data.Add = add
	p.show(w, r, status, Page{Title: "Charms"}, "home", data)
}

// listed are the charms that a search finds, by their spaces.
func (p *Pages) listed(ctx context.Context, query string) (home, error) {
	data := home{Query: query}
	list, err := p.o.Manager.List(ctx, "")
	if err != nil {
		return data, err
	}
	data.All = len(list)
	list = slices.DeleteFunc(list, func(c api.Charm) bool { return !found(c, query) })
	slices.SortFunc(list, func(a, b api.Charm) int {
		return cmp.Or(cmp.Compare(spaceOf(a), spaceOf(b)), cmp.Compare(nameOf(a), nameOf(b)))
	})
	data.Found = len(list)
	if len(list) > mostListed {
		data.More = len(list) - mostListed
		list = list[:mostListed]
	}
	for _, c := range list {
		if n := len(data.Spaces); n == 0 || data.Spaces[n-1].DID != c.Space {
			data.Spaces = append(data.Spaces, listedSpace{Name: spaceOf(c), DID: c.Space})
		}
		last := &data.Spaces[len(data.Spaces)-1]
		last.Charms = append(last.Charms, c)
	}
	return data, nil
}

// found reports whether every word of a query is in what the list says of a charm.
func found(c api.Charm, query string) bool {
	text := strings.ToLower(strings.Join([]string{ref(c), c.CharmID, c.Integration, c.Status, standing(c).Word}, " "))
	for word := range strings.FieldsSeq(strings.ToLower(query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// addForm is what was filled in to add a charm; its problem is shown beside it.
type addForm struct {
	Kind      string // template, feed or source; "" when nothing was sent
	Template  string
	Feed      string
	File      string
	Source    string
	Argument  string
	Space     string
	Name      string
	Every     string
	Problem   *api.Problem
	Templates []string
}

// addCharm is what the forms of the page send.
func (p *Pages) addCharm(w http.ResponseWriter, r *http.Request) {
	form := addForm{
		Kind: r.PostFormValue("kind"), Template: r.PostFormValue("template"), Feed: strings.TrimSpace(r.PostFormValue("feed")),
		File: strings.TrimSpace(r.PostFormValue("file")), Source: r.PostFormValue("source"), Argument: strings.TrimSpace(r.PostFormValue("argument")),
		Space: strings.TrimSpace(r.PostFormValue("space")), Name: strings.TrimSpace(r.PostFormValue("name")), Every: strings.TrimSpace(r.PostFormValue("every")),
	}
	req, err := form.request()
	if err == nil {
		var added api.Added
		if added, err = p.o.Manager.Add(r.Context(), req); err == nil {
			http.Redirect(w, r, address(added.Space+"/"+added.CharmID, "/inspect"), http.StatusSeeOther)
			return
		}
	}
	problem := api.ProblemOf(err)
	if problem.Code == charm.CodeInternal {
		p.fail(w, r, err)
		return
	}
	form.Problem = &problem
	p.showHome(w, r, problem.Status(), form)
}

// feedTemplate is the recipe that a feed's address makes a charm of.
const feedTemplate = "rss"

// request is what the form asks for.
func (f addForm) request() (api.AddRequest, error) {
	req := api.AddRequest{Space: cmp.Or(f.Space, manager.HomeSpace), Name: f.Name, Every: f.Every}
	source, name := "", f.Template
	switch f.Kind {
	case "feed":
		if f.Feed == "" {
			return req, charm.Errorf(charm.CodeInvalid, "the address of the feed is missing")
		}
		argument, err := json.Marshal(map[string]any{"settings": map[string]string{"feedUrl": f.Feed}})
		if err != nil {
			return req, err
		}
		name, req.Argument = feedTemplate, argument
		source, _ = charms.Template(name)
	case "template":
		known := false
		if source, known = charms.Template(name); !known {
			return req, charm.Errorf(charm.CodeInvalid, "there is no template %q", name)
		}
	case "source":
		source, name = f.Source, cmp.Or(strings.TrimSuffix(f.File, ".tsx"), "recipe")
		if f.Argument != "" {
			req.Argument = json.RawMessage(f.Argument)
			if !json.Valid(req.Argument) {
				return req, charm.Errorf(charm.CodeInvalid, "the argument is not JSON").WithHint(`it looks like {"value": 1}`)
			}
		}
	default:
		return req, charm.Errorf(charm.CodeInvalid, "nothing says what to make the charm of")
	}
	req.Entry = name + ".tsx"
	req.Files = map[string]string{req.Entry: source}
	return req, nil
}
