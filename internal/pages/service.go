package pages

import (
	"net/http"
	"strings"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/store"
)

const (
	// The plots of an hour have a column for each minute, those of a day one for
	// each quarter of an hour.
	hourColumns, dayColumns = 60, 96
	quarter                 = 15 * time.Minute
	// mostWaiting of the jobs that wait are listed, mostSeen of the charms whose
	// errors were met last.
	mostWaiting = 10
	mostSeen    = 8
)

// condition is the data of the page of the service.
type condition struct {
	Status   api.Status
	Why      api.Why
	Running  []api.Job
	Waiting  []api.Job
	More     int // that wait and are not listed
	Layers   []layer
	Plots    []plot
	Troubles []api.Trouble
	Hosts    []api.Host
	Contacts []api.Contact // that wait for a person
	Upkeep   []api.Run     // the last run of each task of maintenance
	Tasks    []charm.Task
	SignIns  []api.SignIn
	Disk     Disk
	All      bool // everything is paused
}

// Disk is the room that the service's files take, and that is left beside them,
// bytes; Free is negative where that cannot be told.
type Disk struct {
	Database, Log, Free int64
}

type layer struct {
	Name string
	api.Layer
}

// layers are the walls of the sandbox in the order they are put up.
var layers = []string{"namespaces", "landlock", "seccomp", "rlimits", "cgroup"}

func (p *Pages) service(w http.ResponseWriter, r *http.Request) { p.showService(w, r, nil) }

func (p *Pages) showService(w http.ResponseWriter, r *http.Request, problem *api.Problem) {
	data, err := p.condition(r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	status := http.StatusOK
	if problem != nil {
		status = problem.Status()
	}
	p.show(w, r, status, Page{Title: "Service", Problem: problem}, "service", data)
}

func (p *Pages) condition(r *http.Request) (data condition, err error) {
	ctx := r.Context()
	data = condition{Status: p.o.Service.Summary(ctx), Why: p.o.Service.WhyService(ctx), Tasks: charm.Tasks(), Disk: p.o.Disk()}
	for _, j := range p.o.Manager.Jobs() {
		switch {
		case j.Status == charm.Running:
			data.Running = append(data.Running, j)
		case len(data.Waiting) < mostWaiting:
			data.Waiting = append(data.Waiting, j)
		default:
			data.More++
		}
	}
	for _, name := range layers {
		if l, has := data.Status.Sandbox[name]; has {
			data.Layers = append(data.Layers, layer{name, l})
		}
	}
	for _, pause := range data.Status.Pauses {
		data.All = data.All || pause.Scope == charm.PauseAll
	}
	if data.Troubles, err = p.o.Manager.Problems(ctx, "", ""); err != nil {
		return data, err
	}
	data.Troubles = data.Troubles[:min(len(data.Troubles), mostSeen)]
	if data.Hosts, err = p.o.Service.Hosts(ctx); err != nil {
		return data, err
	}
	if data.Contacts, err = p.contacts(ctx, func(c api.Contact) bool { return c.State == contactAsked }); err != nil {
		return data, err
	}
	if data.SignIns, err = p.o.SignIns.List(ctx); err != nil {
		return data, err
	}
	if data.Upkeep, err = p.o.Manager.LastUpkeep(ctx); err != nil {
		return data, err
	}
	data.Plots, err = p.plots(r)
	return data, err
}

// plots are drawn from the figures of minutes in the store.
func (p *Pages) plots(r *http.Request) ([]plot, error) {
	now := time.Now()
	var minutes []store.Minute
	err := p.o.Store.View(r.Context(), func(r store.Reader) (err error) {
		minutes, err = r.Minutes(now.Add(-(dayColumns + 1) * quarter))
		return err
	})
	hour, hourLate := overTime(minutes, now, hourColumns, time.Minute, "hour", "60 min ago")
	day, dayLate := overTime(minutes, now, dayColumns, quarter, "day", "24 h ago")
	return []plot{hour, hourLate, day, dayLate}, err
}

// changeService is what the buttons of the page send.
func (p *Pages) changeService(w http.ResponseWriter, r *http.Request) {
	ctx, to := r.Context(), "/service"
	var err error
	switch do := r.PostFormValue("do"); do {
	case "retry":
		_, err = p.o.Manager.Retry(ctx, api.RetryRequest{})
	case "pause":
		_, err = p.o.Manager.Pause(ctx, api.PauseRequest{All: true, Note: "paused on the service page"})
	case "resume":
		_, err = p.o.Manager.Resume(ctx, pauseOf(r))
	case "maintain":
		_, err = p.o.Manager.Maintain(ctx, charm.Task(r.PostFormValue("task")), false)
	case "cancel":
		_, err = p.o.Manager.Cancel(ctx, r.PostFormValue("job"))
	case "reset-host":
		err = p.o.Service.ResetHost(ctx, r.PostFormValue("host"))
	case "allow-host":
		space, name, _ := strings.Cut(r.PostFormValue("charm"), "/")
		err = p.o.Service.AllowContact(ctx, space, name, r.PostFormValue("host"))
	case "sign-out":
		err = p.o.SignIns.End(ctx, r.PostFormValue("browser"))
	case "admin":
		var added api.Added
		if added, err = p.o.AdminCharm(ctx); err == nil {
			to = address(added.Space + "/" + added.CharmID)
		}
	default:
		err = charm.Errorf(charm.CodeInvalid, "the page asked for %q, which is nothing that can be done to the service", do)
	}
	if err == nil {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	problem := api.ProblemOf(err)
	if problem.Code == charm.CodeInternal {
		p.fail(w, r, err)
		return
	}
	p.showService(w, r, &problem)
}

// pauseOf is the pause that a button ends.
func pauseOf(r *http.Request) api.PauseRequest {
	subject := r.PostFormValue("subject")
	switch charm.PauseScope(r.PostFormValue("scope")) {
	case charm.PauseSpace:
		return api.PauseRequest{Space: subject}
	case charm.PauseIntegration:
		return api.PauseRequest{Integration: subject}
	case charm.PauseCharm:
		space, name, _ := strings.Cut(subject, "/")
		return api.PauseRequest{Space: space, Charm: name}
	}
	return api.PauseRequest{All: true}
}
