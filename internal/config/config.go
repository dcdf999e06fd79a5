// Package config holds the option table: every setting of charmd with its flag,
// its environment variables, its default and what is allowed. It exists so that
// flags, environment, file, help texts and documentation are read off one list,
// and so that a bad value is reported the same way wherever it came from.
package config

import (
	"log/slog"
	"slices"
	"time"

	"charmd/internal/charm"
	"charmd/internal/egress"
)

// Config is what the service is told. The zero value is not usable: Default or
// Load make one.
type Config struct {
	DataDir     string // where everything durable lives
	Listen      string // HOST:PORT to serve on; port 0 lets the system choose
	Dev         bool   // published identities are accepted on our own server
	Alone       bool   // serve the toolshed and run no charms; set by charmd toolshed, not an option
	AllowRemote bool   // Listen may be an address that other machines reach

	BehindProxy bool     // a proxy in front of it ends TLS
	TLSCert     string   // path of the certificate to end TLS with here; "" means plain HTTP
	TLSKey      string   // path of its key
	HostNames   []string // it is reached under, besides those of this machine

	ToolshedURL  string       // "" means our own; see Foreign
	MemoryURL    string       // "" means ToolshedURL
	Adopt        bool         // the data directory may change to another toolshed
	OperatorPass charm.Secret // passphrase the operator key is made of; "" means the key file
	Identity     string       // path of a PKCS #8 file with the operator key; "" means the data directory's

	GoogleClientID     string
	GoogleClientSecret charm.Secret

	ProvidersFile string       // JSON that changes and adds to the provider table; "" means none
	VaultKey      charm.Secret // keys of the vault; "" means the data directory's file

	RequireSandbox bool // charms run behind all walls, or not at all

	Workers     int           // worker processes, so charms running at once
	MaxRetries  int           // attempts after the first failed one; 0 means none
	Cycle       time.Duration // how often a charm runs that has no schedule of its own
	LogInterval time.Duration // between status lines in the log; 0 means none
	MaxFailures int           // failed jobs in a row that disable a charm

	Timeout             time.Duration // of one run, wall time from dispatch
	MaintenanceTimeout  time.Duration // of one maintenance task
	TokenRefreshTimeout time.Duration // of one token refresh
	Grace               time.Duration // how long a stop waits for running charms

	NotifyCommand string       // program that is given notices; "" means none
	NotifyURL     string       // address that notices are posted to; "" means none
	NotifyToken   charm.Secret // bearer token for it; "" means none
	KeepReplays   int
	DiskBudget    int64 // bytes the database may take before runs stop; 0 means any
	MinFree       int64 // bytes free on its disk below which runs stop

	LLMURL     string         // where charms' questions to a language model are sent; "" means nowhere
	Consent    egress.Consent // what happens when a charm asks a host for the first time
	Proxy      charm.Secret   // address of the proxy for what charms ask; "" means none
	AllowHosts []string       // private destinations every charm may reach, host[:port]
	Only       string         // the one charm that runs in the background; "" means all
	LogLevel   slog.Level     // least level that is logged

	Version   string // of this program
	WorkerExe string // program to start workers with; "" means this one
	CrashAt   string // for tests: the point of which transaction ends the process; "" means none

	EgressTimeout time.Duration // of one request of a charm, and of its parts where they may take longer

	origins map[string]string // option name → where its value came from
}

// Default is the configuration of a start with nothing set.
func Default() Config {
	var c Config
	for _, o := range table {
		if o.Default == "" {
			continue
		}
		if err := o.assign(&c, o.Default, false); err != nil {
			panic("config: default of " + o.Name + ": " + err.Error())
		}
	}
	return c
}

// Origin says where the named option's value came from ("flag --listen",
// "environment variable CHARMD_LISTEN", "charmd.conf:3"); "" for the built-in.
func (c Config) Origin(name string) string { return c.origins[name] }

// Options lists the option table in the order of the documentation.
func Options() []Option { return slices.Clone(table) }

// EgressProxy is the proxy for what charms ask; nil for none.
func (c Config) EgressProxy() (*egress.Proxy, error) {
	if c.Proxy == "" {
		return nil, nil
	}
	return egress.ParseProxy(c.Proxy)
}
