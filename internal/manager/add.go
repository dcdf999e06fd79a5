package manager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"charmd/internal/api"
	"charmd/internal/cell"
	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/identity"
	"charmd/internal/memory"
	"charmd/internal/merkle"
	"charmd/internal/queue"
	"charmd/internal/runcharm"
	"charmd/internal/schedule"
	"charmd/internal/store"
	"charmd/internal/wire"
)

// plan is an AddRequest that has been checked.
type plan struct {
	api.AddRequest
	schedule charm.Schedule
	timeout  time.Duration
}

func (m *Manager) plan(req api.AddRequest) (plan, error) {
	p := plan{AddRequest: req}
	var err error
	if p.schedule, err = m.schedule(req.Every, req.Cron, req.Zone); err != nil {
		return p, err
	}
	if req.Timeout != "" {
		if p.timeout, err = readTimeout(req.Timeout); err != nil {
			return p, err
		}
	}
	if req.Probe != "" && req.Probe != "never" {
		return p, charm.Errorf(charm.CodeUsage, "--probe is %q: it takes never", req.Probe)
	}
	if err := checkPriority(req.Priority); err != nil {
		return p, err
	}
	if p.Space == "" {
		p.Space = HomeSpace
	}
	for what, name := range map[string]string{"--space": p.Space, "--name": p.Name} {
		if err := checkName(what, name); err != nil {
			return p, err
		}
	}
	for _, host := range req.AllowHosts {
		if err := egress.CheckAllowHost(host); err != nil {
			return p, fmt.Errorf("--allow-host: %w", err)
		}
	}
	if len(req.Argument) > 0 {
		var o map[string]json.RawMessage
		if json.Unmarshal(req.Argument, &o) != nil {
			return p, charm.Errorf(charm.CodeUsage, "--argument is not a JSON object").WithHint(`give one like --argument '{"value":1}'`)
		}
	}
	return p, nil
}

// HomeSpace is where charms go that are given no space.
const HomeSpace = "home"

// reserved are the first path segments the toolshed serves itself.
var reserved = []string{"api", "assets", "runs", "service", "spaces", "healthz", "readyz", "metrics"}

var nameForm = regexp.MustCompile(`^[\p{L}\p{N}~._-][\p{L}\p{N} ~._-]*$`)

func checkName(what, name string) error {
	if name == "" {
		return nil
	}
	if what == "--space" && charm.IsDID(name) {
		if _, err := identity.ParseDID(name); err != nil {
			return charm.Errorf(charm.CodeUsage, "%s %q is not the DID of a space: %w", what, name, err)
		}
		return nil
	}
	if len(name) > charm.MaxNameBytes || !nameForm.MatchString(name) || name == "." || name == ".." {
		return charm.Errorf(charm.CodeUsage, "%s %q cannot be used: letters, digits, space and ~ . _ - make a name of at most %d bytes", what, name, charm.MaxNameBytes)
	}
	if what == "--space" {
		for _, r := range reserved {
			if name == r {
				return charm.Errorf(charm.CodeUsage, "a space cannot be named %q: that is an address of the service itself", name)
			}
		}
	}
	return nil
}

// Add compiles a recipe, makes a charm of it and, unless told not to, registers
// it to run in the background. Nothing is kept of a charm that cannot be made.
func (m *Manager) Add(ctx context.Context, req api.AddRequest) (api.Added, error) {
	p, err := m.plan(req)
	if err != nil {
		return api.Added{}, err
	}
	rec, err := m.runner.Compile(ctx, p.Entry, p.Files)
	if err != nil {
		return api.Added{}, err
	}
	space, err := m.openSpace(ctx, p.Space)
	if err != nil {
		return api.Added{}, err
	}
	return m.add(ctx, p, rec, space)
}

// AddIn is Add in a space that is given as it is.
func (m *Manager) AddIn(ctx context.Context, space charm.Space, req api.AddRequest) (api.Added, error) {
	p, err := m.plan(req)
	if err != nil {
		return api.Added{}, err
	}
	rec, err := m.runner.Compile(ctx, p.Entry, p.Files)
	if err != nil {
		return api.Added{}, err
	}
	if err := m.ready(ctx, space); err != nil {
		return api.Added{}, err
	}
	return m.add(ctx, p, rec, space)
}

func (m *Manager) add(ctx context.Context, p plan, rec charm.Recipe, space charm.Space) (api.Added, error) {
	now := m.now()
	c := charm.Charm{
		Space: space.DID, SpaceName: space.Name, ID: merkle.EntityID(nil, uuid.NewString()).Link(), Recipe: rec.ID,
		Integration: p.Integration, Schedule: p.schedule, Timeout: p.timeout, Priority: p.Priority,
		AllowHosts: p.AllowHosts, ProbeNever: p.Probe == "never", Registered: !p.NoRegister, CreatedAt: now, UpdatedAt: now,
	}
	for tries := 1; ; tries++ {
		added, err := m.castAndKeep(ctx, p, rec, c)
		if _, changed := errors.AsType[*memory.Conflict](err); !changed || tries > charm.MaxConflicts {
			return added, err
		}
	}
}

// castAndKeep makes the charm of what its argument links to as it is now. When
// that has changed by the time the charm is written, the error is of a
// *memory.Conflict and nothing is kept.
func (m *Manager) castAndKeep(ctx context.Context, p plan, rec charm.Recipe, c charm.Charm) (api.Added, error) {
	cast, err := m.cast(ctx, c, rec, p.Argument)
	if err != nil {
		return api.Added{}, err
	}
	if !cast.Report.Updater && c.Registered {
		return api.Added{}, charm.Errorf(charm.CodeNoUpdater, "%s: the result has no bgUpdater handler, so there is nothing to run in the background", exportPosition(rec)).
			WithHint("expose one as bgUpdater, or add the charm with --no-register")
	}
	if c.Integration == "" {
		c.Integration = cast.Report.Integration
	}
	if c.Integration == "" {
		c.Integration = baseName(rec)
	}
	err = m.keep(ctx, p, &c, rec, cast)
	if err != nil {
		return api.Added{}, err
	}
	m.tellRegistry(ctx)
	m.logger.Info("charm added", "charm", c.Ref(), "id", c.ID, "integration", c.Integration, "registered", c.Registered)
	return m.Added(c), nil
}

// baseName is the name of the recipe's file without its extension, as far as a charm may
// have it: the file may be a stranger's.
func baseName(rec charm.Recipe) string {
	const most = charm.MaxNameBytes - 10 // a number may come behind it
	name := []byte(nil)
	for _, r := range strings.TrimSuffix(rec.Name, path.Ext(rec.Name)) {
		if !nameForm.MatchString("_" + string(r)) {
			r = '-'
		}
		if len(name)+utf8.RuneLen(r) <= most {
			name = utf8.AppendRune(name, r)
		}
	}
	if text := strings.TrimSpace(string(name)); checkName("--name", text) == nil && text != "" {
		return text
	}
	return "charm"
}

// Added is what is told of a charm that has been made.
func (m *Manager) Added(c charm.Charm) api.Added {
	return api.Added{Space: c.Space, CharmID: c.ID, Name: c.Name, URL: m.charmURL(c)}
}

// keep writes a new charm: documents and the space's list of charms, and with them
// recipe, table, registry and first run.
func (m *Manager) keep(ctx context.Context, p plan, c *charm.Charm, rec charm.Recipe, cast runcharm.Result) error {
	if m.publish != nil {
		if err := m.inTime(ctx, func(ctx context.Context) error { return m.publish(ctx, rec) }); err != nil {
			return err
		}
	}
	base := baseName(rec)
	return m.commit(ctx, c.Space, memory.Write{
		Draft: func(r store.Reader, space charm.Space) (_ *memory.Draft, err error) {
			if c.Name, err = freeName(r, c.Space, p.Name, base); err != nil {
				return nil, err
			}
			return m.made(r, space, c.ID, cast)
		},
		Then: func(tx store.Tx, _ memory.Receipt) error {
			if err := m.runner.SaveHosts(tx, cast); err != nil {
				return err
			}
			return m.enter(tx, c, rec)
		},
	})
}

// made is the transaction that makes a charm of what its cast changes.
func (m *Manager) made(r store.Reader, space charm.Space, id string, cast runcharm.Result) (*memory.Draft, error) {
	if err := memory.Check(r, space, cast.Read); err != nil {
		return nil, charm.Errorf(charm.CodeConflict, "documents that its argument links to changed while it was being made: %w", err).WithHint("try again")
	}
	entry, err := entered(cell.NewSnapshot(r, space), id)
	if err != nil {
		return nil, err
	}
	changes := []memory.Change{entry}
	if cast.Draft != nil {
		changes = append(changes, cast.Draft.Changes...)
	}
	d, err := memory.NewDraft(space, m.memory.Issuer(), changes, nil, m.now())
	if err == nil {
		d.Anyway, d.Read = true, cast.Read
	}
	return d, err
}

// enter puts a charm whose documents are made into the table, the registry and the
// queue.
func (m *Manager) enter(tx store.Tx, c *charm.Charm, rec charm.Recipe) (err error) {
	if err := tx.PutRecipe(rec); err != nil {
		return err
	}
	if c.Row, err = tx.PutCharm(*c); err != nil {
		return err
	}
	if c.Registered {
		if err := m.registry.Register(tx, *c, charm.State{}); err != nil {
			return err
		}
	}
	return m.queue.Put(tx, *c, charm.State{NextRun: schedule.First(*c, m.now())})
}

// cast instantiates the recipe on documents of its own, in a worker process.
func (m *Manager) cast(ctx context.Context, c charm.Charm, rec charm.Recipe, argument json.RawMessage) (runcharm.Result, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = m.timeout
	}
	session, err := m.runner.Open(ctx, runcharm.Work{
		Run: queue.NewID(m.now()), Occasion: c.ID, Mode: wire.ModeCast, Charm: c, Recipe: &rec,
		Argument: argument, Timeout: timeout,
	})
	if err != nil {
		return runcharm.Result{}, err
	}
	r := session.Attempt(ctx)
	return r, r.Failure(rec)
}

// exportPosition is where the recipe is exported, file:line:column.
func exportPosition(rec charm.Recipe) string {
	for i, line := range strings.Split(rec.Source, "\n") {
		if col := strings.Index(line, "export default"); col >= 0 {
			return fmt.Sprintf("%s:%d:%d", rec.Name, i+1, col+1)
		}
	}
	return rec.Name + ":1:1"
}

// freeName is the wished name, which must be free, or the base name with a
// number behind it when it is taken.
func freeName(r store.Reader, space, wish, base string) (string, error) {
	list, err := r.Charms(space)
	if err != nil {
		return "", err
	}
	taken := make(map[string]bool, len(list))
	for _, c := range list {
		taken[c.Name] = true
	}
	if wish != "" {
		if taken[wish] {
			return "", charm.Errorf(charm.CodeConflict, "there is a charm named %q in this space already", wish).WithHint("choose another with --name")
		}
		return wish, nil
	}
	name := base
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	return name, nil
}

func (m *Manager) charmURL(c charm.Charm) string {
	space := c.SpaceName
	if space == "" {
		space = c.Space
	}
	return m.url() + "/" + space + "/" + c.ID
}

// newRandomSpace names a space for untrusted recipes.
func newRandomSpace() string { return "space-" + uuid.NewString()[:8] }

// openSpace is the space people mean, made when it is a new name.
func (m *Manager) openSpace(ctx context.Context, name string) (space charm.Space, err error) {
	if name == "new" {
		name = newRandomSpace()
	}
	err = m.store.Update(ctx, func(tx store.Tx) error {
		space, err = findSpace(tx, name)
		if charm.CodeOf(err) != charm.CodeNotFound {
			return err
		}
		space = charm.Space{DID: name, CreatedAt: m.now(), Since: -1}
		if !charm.IsDID(name) {
			space.DID, space.Name = m.operator.Derive(name).DID(), name
		}
		space.Row, err = tx.PutSpace(space)
		return err
	})
	if err == nil {
		err = m.ready(ctx, space)
	}
	return space, err
}
