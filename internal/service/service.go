// Package service is the BackgroundCharmService: it makes the parts, starts them
// in order and stops them in reverse. It exists so that the way data flows
// between them is written down in one place and nothing else knows them all.
package service

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"charmd/internal/api"
	"charmd/internal/blobby"
	"charmd/internal/certificate"
	"charmd/internal/cgroup"
	"charmd/internal/charm"
	"charmd/internal/config"
	"charmd/internal/egress"
	"charmd/internal/handlers"
	"charmd/internal/identity"
	"charmd/internal/live"
	"charmd/internal/manager"
	"charmd/internal/memory"
	memserver "charmd/internal/memory/server"
	"charmd/internal/notify"
	"charmd/internal/oauth"
	"charmd/internal/observe"
	"charmd/internal/pages"
	"charmd/internal/pool"
	"charmd/internal/queue"
	"charmd/internal/registry"
	"charmd/internal/replica"
	"charmd/internal/runcharm"
	"charmd/internal/signin"
	"charmd/internal/state"
	"charmd/internal/store"
	"charmd/internal/toolshed"
	"charmd/internal/vault"
)

// Service runs charms in the background.
type Service struct {
	outside
	config   config.Config
	logger   *slog.Logger
	operator *identity.Key
	token    string

	metrics  *observe.Metrics
	store    store.Store
	files    func() (database, log int64) // bytes on disk
	memory   *memory.Memory
	replica  *replica.Replica // of the toolshed we are a client of; nil when we are it
	beside   beside
	states   *state.Manager
	queue    *queue.Queue
	pool     *pool.Pool
	lane     *pool.Pool   // of what people do on pages
	cgroups  *cgroup.Tree // of the workers of both; nil for the reason noCgroups
	egress   *egress.Client
	vault    *vault.Vault
	accounts *oauth.Accounts
	runner   *runcharm.Runner
	registry *registry.Registry
	manager  *manager.Manager
	notifier *notify.Notifier
	wire     *memserver.Server
	live     *live.Server
	toolshed *toolshed.Toolshed
	execute  *handlers.ExecuteCharm
	maintain *handlers.Maintenance
	room     room

	noCgroups   string
	unanswered  *observe.Seldom
	certificate *certificate.Keeper // nil where we speak no TLS

	recovered queue.Recovered
	startedAt time.Time
	url       atomic.Value // string
	localURL  string       // where commands on this machine reach it
	server    *http.Server
	served    chan struct{} // closed when the server has returned

	stopLoops context.CancelFunc
	loops     sync.WaitGroup
	runs      sync.WaitGroup
	endRuns   context.CancelCauseFunc
	redraw    chan struct{} // the admin charm shows what is not so any more
	draining  atomic.Bool
	closed    sync.Once
}

// Open opens the data directory and makes the parts. Nothing runs by itself and
// nothing is listened on; what commands do without a daemon they do on this.
func Open(ctx context.Context, cfg config.Config, logger *slog.Logger) (*Service, error) {
	return open(ctx, cfg, logger, outside{now: time.Now})
}

// outside is what the service takes from the machine beside its configuration; tests
// give it another.
type outside struct {
	now   func() time.Time
	roots *x509.CertPool // whose certificates are believed; nil: the system's
}

func open(ctx context.Context, cfg config.Config, logger *slog.Logger, o outside) (_ *Service, err error) {
	s := &Service{config: cfg, logger: logger, outside: o, unanswered: observe.NewSeldom(logger), startedAt: o.now(), redraw: make(chan struct{}, 1)}
	s.localURL = cfg.LocalURL()
	s.url.Store(s.localURL)
	s.metrics = observe.NewMetrics(s.snapshot)
	if err = makeDataDir(cfg.DataDir); err != nil {
		return nil, err
	}
	if err = hasLostDatabase(cfg); err != nil {
		return nil, err
	}
	options, err := s.storeOptions()
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, cfg, options)
	if err != nil {
		return nil, err
	}
	s.store, s.files = db, db.Files
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	// The database's lock makes this process the only one that may make keys here.
	if err = s.readKeys(ctx, cfg); err != nil {
		return nil, err
	}
	if s.vault, err = vault.Open(ctx, vault.Options{Store: s.store, Dir: cfg.DataDir, Keys: cfg.VaultKey, Now: s.now}); err != nil {
		return nil, err
	}
	s.memory = memory.New(s.store, s.operator.DID(), s.now)
	if err = s.joinToolshed(); err != nil {
		return nil, err
	}
	s.states = state.NewManager(cfg.MaxFailures)
	if s.notifier, err = notify.New(notify.Options{
		Store: s.store, Command: cfg.NotifyCommand, URL: cfg.NotifyURL, Token: cfg.NotifyToken.Reveal(), Link: s.URL, Logger: logger, Now: s.now,
	}); err != nil {
		return nil, err
	}
	if err = s.store.Update(ctx, s.prepare); err != nil {
		return nil, err
	}
	s.queue, s.recovered, err = queue.Open(ctx, s.store, s.states, queue.Options{
		MaxRetries: cfg.MaxRetries, DefaultTimeout: cfg.Timeout, Now: s.now, Only: cfg.Only, Slots: executorsPerWorker * cfg.Workers,
	})
	if err != nil {
		return nil, err
	}
	if err = s.makeRunners(ctx); err != nil {
		return nil, err
	}
	s.makeDoors()
	return s, s.followSpaces(ctx)
}

// fatal ends the process: the disk lost what it had said it kept.
func (s *Service) fatal(err error) {
	s.logger.Error("the database can not be trusted any more; stopping", "err", err)
	s.Kill()
	os.Exit(charm.ExitData)
}

func (s *Service) makeRunners(ctx context.Context) error {
	cgroups, err := cgroup.Open()
	if err != nil {
		s.noCgroups = err.Error()
	}
	s.cgroups = cgroups
	s.pool, err = pool.New(pool.Options{
		Exe: s.config.WorkerExe, Workers: s.config.Workers, ArenaBytes: charm.DefaultWorkerArena,
		RunsPerWorker: charm.WorkerRunLimit, Logger: s.logger, Grace: s.config.Grace, Owner: s.owner(),
		RequireSandbox: s.config.RequireSandbox, Cgroups: s.cgroups, NoCgroups: s.noCgroups, Now: s.now,
		Started: s.metrics.WorkerStarted, Ended: s.metrics.WorkerEnded,
	})
	if err != nil {
		return err
	}
	if err := s.pool.Start(ctx); err != nil {
		return err
	}
	if s.lane, err = s.openLane(); err != nil {
		return err
	}
	if s.egress, err = s.openEgress(ctx); err != nil {
		return err
	}
	if s.accounts, err = s.openAccounts(ctx); err != nil {
		return err
	}
	s.runner = runcharm.New(runcharm.Options{
		Store: s.store, Memory: s.memory, Pool: s.pool, Lane: s.lane, Egress: s.egress, Accounts: s.accounts, APIURL: s.apiURL, Logger: s.logger, Now: s.now,
	})
	return nil
}

func (s *Service) makeDoors() {
	s.registry = registry.New(registry.Options{
		Store: s.store, Memory: s.memory, Queue: s.queue, System: identity.SystemSpaceDID, Every: s.config.Cycle, Logger: s.logger, Now: s.now,
		Wrote: s.metrics.RegistryWrote, Moved: s.registryMoved,
	})
	s.manager = manager.New(manager.Options{
		Store: s.store, Memory: s.memory, Queue: s.queue, Registry: s.registry, Runner: s.runner, Pool: s.pool,
		Publish: s.publish(), Operator: s.operator, Every: s.config.Cycle, Zone: localZone(), Only: s.config.Only, Timeout: s.config.Timeout, URL: s.URL, Logger: s.logger, Now: s.now,
	})
	s.execute = &handlers.ExecuteCharm{
		Store: s.store, Memory: s.memory, Queue: s.queue, States: s.states, Runner: s.runner, Registry: s.registry,
		Notifier: s.notifier, Timeout: s.config.Timeout, Replays: s.config.KeepReplays, Logger: s.logger, Now: s.now, Ended: s.ran,
	}
	retention := handlers.DefaultRetention()
	retention.Replays = s.config.KeepReplays
	if s.replica != nil {
		s.execute.Upstream, s.execute.Service = s.replica, s.beside.service
	}
	s.maintain = &handlers.Maintenance{
		Store: s.store, Queue: s.queue, Registry: s.registry, Retention: retention, Drafts: drafts(s.config.DataDir),
		Timeout: s.config.MaintenanceTimeout, Logger: s.logger, Now: s.now, Ended: s.metrics.MaintenanceEnded, Breaches: s.tellBreaches,
	}
	s.wire = memserver.New(memserver.Options{
		Store: s.store, Memory: s.memory, Operator: s.operator.DID(), Dev: s.config.Dev, Room: s.hasRoom, Logger: s.logger, Now: s.now,
	})
	signIns := signin.New(s.store, s.now)
	s.live = s.openPages()
	s.queue.Observe(s.live.Stands)
	s.toolshed = toolshed.New(toolshed.Options{
		SignIns: signIns, Pages: pages.New(pages.Options{
			Manager: s.manager, Service: s, Store: s.store, SignIns: signIns, AdminCharm: s.AddAdminCharm, Disk: s.disk, Alone: s.config.Alone, Logger: s.logger,
		}),
		Manager: s.manager, Service: s, Blobs: blobby.New(s.store, s.now, s.manager.RecipeArrived), Dev: s.config.Dev, Alone: s.config.Alone, Hosts: s.config.HostNames, BehindProxy: s.config.BehindProxy, Certificate: s.ending, Operator: s.operator.DID(), Token: s.token, Beside: s.beside.toolshed, AdminCharm: s.AddAdminCharm, TryHook: s.tryHook,
		Accounts: s.accounts, Vault: s.vault, Room: s.hasRoom, Metrics: s.metrics.Handler(s.logger), Memory: s.wire, Signed: s.wire.Signed, Live: s.live, Served: s.metrics.Served, Logger: s.logger,
	})
}

// Handler serves the service's HTTP API, for commands that found no daemon.
func (s *Service) Handler() http.Handler { return s.toolshed }

// Token is the bearer token of the HTTP API.
func (s *Service) Token() string { return s.token }

// URL is where the toolshed is reached, without a slash at the end.
func (s *Service) URL() string { return s.url.Load().(string) }

// Summary is the state of the service for people.
func (s *Service) Summary(ctx context.Context) api.Status { return s.summary(ctx) }
