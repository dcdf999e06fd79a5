package manager

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/store"
)

// Pause keeps what the request names from running by itself.
func (m *Manager) Pause(ctx context.Context, req api.PauseRequest) (api.Pause, error) {
	if len(req.Note) > charm.MaxErrorBytes {
		return api.Pause{}, charm.Errorf(charm.CodeTooLarge, "the note is %d bytes; at most %d are kept", len(req.Note), charm.MaxErrorBytes)
	}
	p, err := m.pause(ctx, "pause", req)
	if err != nil {
		return api.Pause{}, err
	}
	for _, before := range m.queue.Pauses() {
		if p.Note == "" && before.Scope == p.Scope && before.Subject == p.Subject {
			p.Note = before.Note // said again without a word: the first one stands
		}
	}
	err = m.queue.Pause(ctx, p)
	if errors.Is(err, store.ErrNotFound) {
		err = charm.Errorf(charm.CodeNotFound, "%s/%s was removed at this moment", req.Space, req.Charm)
	}
	if err != nil {
		return api.Pause{}, err
	}
	paused := m.pauseJSON(p)
	m.logger.Warn("paused", "scope", p.Scope, "what", paused.What(), "note", p.Note)
	return paused, nil
}

// Resume ends the pause of what the request names.
func (m *Manager) Resume(ctx context.Context, req api.PauseRequest) (api.Pause, error) {
	p, err := m.pause(ctx, "resume", req)
	if err != nil {
		return api.Pause{}, err
	}
	resumed := m.pauseJSON(p)
	err = m.queue.Resume(ctx, p.Scope, p.Subject)
	if errors.Is(err, store.ErrNotFound) {
		return api.Pause{}, charm.Errorf(charm.CodeNotFound, "%s is not paused", resumed.What()).WithHint("charmd status lists what is paused")
	}
	if err != nil {
		return api.Pause{}, err
	}
	m.logger.Info("resumed", "scope", p.Scope, "what", resumed.What())
	return resumed, nil
}

// pause is what a request means that the command makes.
func (m *Manager) pause(ctx context.Context, command string, req api.PauseRequest) (charm.Pause, error) {
	p := charm.Pause{Scope: charm.PauseAll, Note: req.Note, At: m.now()}
	named := 0
	for _, is := range []bool{req.All, req.Space != "", req.Integration != ""} {
		if is {
			named++
		}
	}
	switch {
	case named != 1 || req.Charm != "" && req.Space == "":
		return p, charm.Errorf(charm.CodeInvalid, "exactly one of everything, a space, a charm in a space, or an integration can be meant").
			WithHint("charmd pause SPACE, charmd pause SPACE/CHARM, charmd pause --integration NAME, or charmd pause --all")
	case req.Integration != "":
		p.Scope, p.Subject = charm.PauseIntegration, req.Integration
		if !slices.ContainsFunc(m.queue.Integrations(), func(name string) bool { return name == req.Integration }) {
			return p, charm.Errorf(charm.CodeNotFound, "no charm has the integration %q", req.Integration).WithHint("charmd list shows the integrations")
		}
		return p, nil
	case req.Space == "":
		return p, nil
	}
	return p, m.store.View(ctx, func(r store.Reader) error {
		if req.Charm == "" {
			s, err := m.spaceFor(r, command, req.Space)
			p.Scope, p.Subject = charm.PauseSpace, s.DID
			return err
		}
		c, err := find(r, req.Space, req.Charm)
		p.Scope, p.Subject = charm.PauseCharm, strconv.FormatInt(c.Row, 10)
		return err
	})
}

// Pauses lists what is paused.
func (m *Manager) Pauses() []api.Pause {
	list := []api.Pause{}
	for _, p := range m.queue.Pauses() {
		list = append(list, m.pauseJSON(p))
	}
	slices.SortFunc(list, func(a, b api.Pause) int { return a.Since.Compare(b.Since) })
	return list
}

func (m *Manager) pauseJSON(p charm.Pause) api.Pause {
	out := api.Pause{Scope: p.Scope, Note: p.Note, Since: p.At.UTC()}
	switch p.Scope {
	case charm.PauseSpace:
		out.Space = m.spaceName(p.Subject)
	case charm.PauseIntegration:
		out.Integration = p.Subject
	case charm.PauseCharm:
		row, _ := strconv.ParseInt(p.Subject, 10, 64) // we wrote it
		out.Charm = m.refOf(row)
	}
	return out
}

// spaceName is the name of the space with the DID as far as a charm of it tells.
func (m *Manager) spaceName(did string) string {
	for _, s := range m.queue.Standings() {
		if s.Charm.Space == did {
			space, _, _ := strings.Cut(s.Charm.Ref(), "/")
			return space
		}
	}
	return did
}
