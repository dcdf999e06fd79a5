package pages

import (
	"encoding/json"
	"net/http"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/manager"
)

const inspectPath = "/{space}/{charm}/inspect"

const (
	// plottedRuns are in the plot, listedRuns below it.
	plottedRuns = 100
	listedRuns  = 15
	// previewed is how many of the next runs are told.
	previewed = 5
	// mostArgument is how large an argument may be to be edited in the page, bytes.
	mostArgument = 256 << 10
)

// inspection is the data of the page that shows how a charm is.
type inspection struct {
	Charm    api.Charm
	Why      api.Why
	Next     api.Preview
	Runs     []api.Run
	Plot     plot
	Run      *api.Run // the one whose log is shown
	Chosen   bool     // a person chose it
	Argument json.RawMessage
	TooLarge bool // the argument, to be edited here
	Draft    string
	Accounts []api.Connection
	Contacts []api.Contact
}

func (p *Pages) inspect(w http.ResponseWriter, r *http.Request) {
	p.showCharm(w, r, nil, "")
}

// showCharm answers with the page; problem is told on it, and draft is the
// argument as a person tried to have it.
func (p *Pages) showCharm(w http.ResponseWriter, r *http.Request, problem *api.Problem, draft string) {
	data, err := p.inspection(r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	data.Draft = draft
	status := http.StatusOK
	if problem != nil {
		status = problem.Status()
	}
	p.show(w, r, status, Page{Title: ref(data.Charm), Problem: problem}, "inspect", data)
}

func (p *Pages) inspection(r *http.Request) (data inspection, err error) {
	ctx, space, name := r.Context(), r.PathValue("space"), r.PathValue("charm")
	if data.Charm, err = p.o.Manager.Show(ctx, space, name); err != nil {
		return data, err
	}
	if data.Why, err = p.o.Service.Why(ctx, space, name); err != nil {
		return data, err
	}
	if data.Next, err = p.o.Manager.Preview(ctx, space, name, previewed); err != nil {
		return data, err
	}
	if data.Argument, err = p.o.Manager.Argument(ctx, space, name); err != nil {
		return data, err
	}
	data.TooLarge = len(data.Argument) > mostArgument
	data.Accounts = p.accounts(ctx, func(c api.Connection) bool { return c.Charm == ref(data.Charm) })
	if data.Contacts, err = p.contacts(ctx, func(c api.Contact) bool { return c.Charm == ref(data.Charm) }); err != nil {
		return data, err
	}
	runs, err := p.o.Manager.Runs(ctx, manager.RunFilter{Space: space, Charm: name, Limit: plottedRuns})
	if err != nil {
		return data, err
	}
	data.Plot, data.Runs = durations(runs), runs[:min(len(runs), listedRuns)]
	id := r.URL.Query().Get("run")
	if data.Chosen = id != ""; !data.Chosen && len(runs) > 0 {
		id = runs[0].ID
	}
	if id == "" {
		return data, nil
	}
	run, err := p.o.Manager.Run(ctx, id)
	if charm.CodeOf(err) == charm.CodeNotFound {
		return data, nil // retention has taken it
	}
	if run.Charm == ref(data.Charm) {
		data.Run = &run
	}
	return data, err
}

// changeCharm is what the buttons and the form of the page send.
func (p *Pages) changeCharm(w http.ResponseWriter, r *http.Request) {
	ctx, space, name := r.Context(), r.PathValue("space"), r.PathValue("charm")
	to, draft := "", ""
	var err error
	switch do := r.PostFormValue("do"); do {
	case "run":
		if p.o.Alone {
			err = charm.Errorf(charm.CodeUnavailable, "this is a toolshed alone: no charms run here")
			break
		}
		_, err = p.o.Manager.RunNow(ctx, space, name, false)
	case "enable":
		_, err = p.o.Manager.Enable(ctx, space, name)
	case "disable":
		_, err = p.o.Manager.Disable(ctx, space, name, "")
	case "pause":
		_, err = p.o.Manager.Pause(ctx, api.PauseRequest{Space: space, Charm: name})
	case "resume":
		_, err = p.o.Manager.Resume(ctx, api.PauseRequest{Space: space, Charm: name})
	case "cancel":
		_, err = p.o.Manager.CancelOf(ctx, space, name)
	case "allow-host":
		err = p.o.Service.AllowContact(ctx, space, name, r.PostFormValue("host"))
	case "argument":
		draft = r.PostFormValue("argument")
		err = p.o.Manager.SetArgument(ctx, space, name, []byte(r.PostFormValue("before")), []byte(draft))
	case "remove":
		err, to = p.o.Manager.Remove(ctx, space, name), "/"
	default:
		err = charm.Errorf(charm.CodeInvalid, "the page asked for %q, which is nothing that can be done to a charm", do)
	}
	if err == nil {
		if to == "" {
			to = r.URL.EscapedPath()
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	problem := api.ProblemOf(err)
	if problem.Code == charm.CodeInternal {
		p.fail(w, r, err)
		return
	}
	p.showCharm(w, r, &problem, draft)
}
