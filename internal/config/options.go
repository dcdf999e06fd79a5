package config

import (
	"math"
	"time"

	"charmd/internal/charm"
)

// Option is one row of the table.
type Option struct {
	Name     string   // of its flag, without dashes; the key of the table
	Env      []string // variables; the first one that is set counts
	Kind     Kind
	Default  string // as it would be written in the environment; "" for none
	Min, Max int64  // of a Count, or of a Duration in nanoseconds
	Help     string
	NoFlag   bool // not for a command line, where other users would see it
	Hidden   bool // for tests; not in help or documentation

	field func(*Config) any // pointer to what the option sets
}

// Names of options that other packages look up.
const (
	DataDir       = "data-dir"
	Listen        = "listen"
	ConfigFile    = "config"
	TLSCert       = "tls-cert"
	TLSKey        = "tls-key"
	ToolshedURL   = "toolshed-api-url"
	MemoryURL     = "memory-url"
	NotifyCommand = "notify-command"
	NotifyURL     = "notify-url"
	Providers     = "providers"
	WorkerExe     = "worker-exe"
	EgressProxy   = "egress-proxy"
	AllowHosts    = "allow-hosts"

	RequireSandbox = "require-sandbox"
)

// table is every option. Names, defaults and variables that the original
// service had are kept.
var table = []Option{
	{Name: ConfigFile, Env: []string{"CHARMD_CONFIG"}, Kind: Path,
		Help: "file of NAME=value lines, named like the environment variables"},
	{Name: Listen, Env: []string{"CHARMD_LISTEN"}, Kind: Address, Default: "127.0.0.1:8000",
		Help: "address to serve on", field: func(c *Config) any { return &c.Listen }},
	{Name: DataDir, Env: []string{"CHARMD_DATA_DIR"}, Kind: Path, Default: "./charmd-data",
		Help: "directory of everything durable", field: func(c *Config) any { return &c.DataDir }},
	{Name: "dev", Env: []string{"CHARMD_DEV"}, Kind: Bool, Default: "false",
		Help: "accept published identities on our own server", field: func(c *Config) any { return &c.Dev }},
	{Name: "allow-remote", Env: []string{"CHARMD_ALLOW_REMOTE"}, Kind: Bool, Default: "false",
		Help: "let --listen be an address that other machines reach", field: func(c *Config) any { return &c.AllowRemote }},

	{Name: "behind-proxy", Env: []string{"CHARMD_BEHIND_PROXY"}, Kind: Bool, Default: "false",
		Help: "say that a proxy in front ends TLS: --allow-remote needs this or --tls-cert", field: func(c *Config) any { return &c.BehindProxy }},
	{Name: TLSCert, Env: []string{"CHARMD_TLS_CERT"}, Kind: Path,
		Help: "PEM file of a certificate to speak TLS with, those that signed it behind it", field: func(c *Config) any { return &c.TLSCert }},
	{Name: TLSKey, Env: []string{"CHARMD_TLS_KEY"}, Kind: Path,
		Help: "PEM file of its key; both files are read again when they change", field: func(c *Config) any { return &c.TLSKey }},
	{Name: "host-names", Env: []string{"CHARMD_HOST_NAMES"}, Kind: Hosts,
		Help: "names that requests may come under besides those of this machine", field: func(c *Config) any { return &c.HostNames }},

	{Name: ToolshedURL, Env: []string{"TOOLSHED_API_URL", "CHARMD_TOOLSHED_API_URL"}, Kind: URL,
		Help: "where the toolshed is; our own when unset or when it is the address we listen on", field: func(c *Config) any { return &c.ToolshedURL }},
	{Name: MemoryURL, Env: []string{"MEMORY_URL", "CHARMD_MEMORY_URL"}, Kind: URL,
		Help: "where the memory server is; the toolshed when unset", field: func(c *Config) any { return &c.MemoryURL }},
	{Name: "adopt", Env: []string{"CHARMD_ADOPT"}, Kind: Bool, Default: "false",
		Help: "set aside what the data directory holds of another toolshed, and begin anew", field: func(c *Config) any { return &c.Adopt }},
	{Name: "operator-pass", Env: []string{"OPERATOR_PASS"}, Kind: Hush, NoFlag: true,
		Help: "passphrase of the operator key", field: func(c *Config) any { return &c.OperatorPass }},
	{Name: "identity", Env: []string{"IDENTITY", "CHARMD_IDENTITY"}, Kind: Path,
		Help: "PKCS #8 file with the operator key", field: func(c *Config) any { return &c.Identity }},
	{Name: "google-client-id", Env: []string{"GOOGLE_CLIENT_ID"}, Kind: Text, NoFlag: true,
		Help: "client for charms connected to Google accounts", field: func(c *Config) any { return &c.GoogleClientID }},
	{Name: "google-client-secret", Env: []string{"GOOGLE_CLIENT_SECRET"}, Kind: Hush, NoFlag: true,
		Help: "its secret", field: func(c *Config) any { return &c.GoogleClientSecret }},

	{Name: Providers, Env: []string{"CHARMD_PROVIDERS"}, Kind: Path,
		Help: "JSON file that changes the table of OAuth providers, or adds to it", field: func(c *Config) any { return &c.ProvidersFile }},
	{Name: "vault-key", Env: []string{"CHARMD_VAULT_KEY"}, Kind: Hush, NoFlag: true,
		Help: "key of the vault, 32 bytes in base64, instead of the file vault.key in the data directory; older ones may follow it after commas", field: func(c *Config) any { return &c.VaultKey }},

	{Name: "interval", Env: []string{"CYCLE_INTERVAL_MS", "CHARMD_INTERVAL"}, Kind: Duration, Default: "60000",
		Min: int64(charm.MinEvery), Max: int64(30 * 24 * time.Hour),
		Help: "how often a charm runs that has no schedule of its own", field: func(c *Config) any { return &c.Cycle }},
	{Name: "failures", Env: []string{"MAX_CONSECUTIVE_FAILURES", "CHARMD_FAILURES"}, Kind: Count, Default: "5",
		Min: 1, Max: math.MaxInt32,
		Help: "failed jobs in a row that disable a charm", field: func(c *Config) any { return &c.MaxFailures }},
	{Name: "log-interval", Env: []string{"LOG_INTERVAL_MS", "CHARMD_LOG_INTERVAL"}, Kind: Duration, Default: "300000",
		Min: 0, Max: int64(7 * 24 * time.Hour),
		Help: "time between status lines in the log, 0 for none", field: func(c *Config) any { return &c.LogInterval }},
	{Name: "max-concurrent", Env: []string{"MAX_CONCURRENT_JOBS", "CHARMD_MAX_CONCURRENT"}, Kind: Count, Default: "5",
		Min: 1, Max: 256,
		Help: "charms running at once, each in a process", field: func(c *Config) any { return &c.Workers }},
	{Name: "max-retries", Env: []string{"MAX_RETRIES", "CHARMD_MAX_RETRIES"}, Kind: Count, Default: "3",
		Min: 0, Max: 100,
		Help: "attempts after a failed one, 0 for none", field: func(c *Config) any { return &c.MaxRetries }},
	{Name: "only", Env: []string{"CHARMD_ONLY"}, Kind: Text,
		Help: "run only charms of the integration with this name in the background", field: func(c *Config) any { return &c.Only }},

	{Name: "timeout", Env: []string{"CHARM_EXECUTION_TIMEOUT_MS", "CHARMD_TIMEOUT"}, Kind: Duration, Default: "30000",
		Min: int64(time.Millisecond), Max: int64(charm.MaxTimeout),
		Help: "wall time of one run", field: func(c *Config) any { return &c.Timeout }},
	{Name: "maintenance-timeout", Env: []string{"MAINTENANCE_JOB_TIMEOUT_MS", "CHARMD_MAINTENANCE_TIMEOUT"}, Kind: Duration, Default: "60000",
		Min: int64(time.Millisecond), Max: int64(24 * time.Hour),
		Help: "time of one maintenance task", field: func(c *Config) any { return &c.MaintenanceTimeout }},
	{Name: "token-refresh-timeout", Env: []string{"TOKEN_REFRESH_TIMEOUT_MS", "CHARMD_TOKEN_REFRESH_TIMEOUT"}, Kind: Duration, Default: "10000",
		Min: int64(time.Millisecond), Max: int64(10 * time.Minute),
		Help: "time of one refresh of an account's token", field: func(c *Config) any { return &c.TokenRefreshTimeout }},
	{Name: "grace", Env: []string{"CHARMD_GRACE"}, Kind: Duration, Default: "10000",
		Min: 0, Max: int64(charm.MaxTimeout),
		Help: "how long a stop waits for running charms", field: func(c *Config) any { return &c.Grace }},
	{Name: "keep-replays", Env: []string{"CHARMD_KEEP_REPLAYS"}, Kind: Count, Default: "5",
		Min: 0, Max: 200,
		Help: "last runs of each charm that replay can make again, 0 for none", field: func(c *Config) any { return &c.KeepReplays }},
	{Name: "disk-budget", Env: []string{"CHARMD_DISK_BUDGET"}, Kind: Size, Default: "0",
		Min: 0, Max: math.MaxInt64,
		Help: "no run begins while the database takes more than this, 0 for no limit", field: func(c *Config) any { return &c.DiskBudget }},
	{Name: "min-free", Env: []string{"CHARMD_MIN_FREE"}, Kind: Size, Default: "256MiB",
		Min: 0, Max: math.MaxInt64,
		Help: "no run begins while less than this is free on the disk of the database", field: func(c *Config) any { return &c.MinFree }},
	{Name: RequireSandbox, Env: []string{"CHARMD_REQUIRE_SANDBOX"}, Kind: Bool, Default: "false",
		Help: "do not start when one of the walls around charms is down", field: func(c *Config) any { return &c.RequireSandbox }},
	{Name: AllowHosts, Env: []string{"CHARMD_ALLOW_HOSTS"}, Kind: Hosts,
		Help: "private destinations that every charm may reach", field: func(c *Config) any { return &c.AllowHosts }},
	{Name: EgressProxy, Env: []string{"CHARMD_EGRESS_PROXY"}, Kind: Proxy,
		Help: "proxy by which the requests of charms go outside; HTTP_PROXY and its like are not looked at", field: func(c *Config) any { return &c.Proxy }},
	{Name: "consent", Env: []string{"CHARMD_CONSENT"}, Kind: Asking, Default: "warn",
		Help: "what happens when a charm asks a host that it has not asked before: ask refuses until a person allows it", field: func(c *Config) any { return &c.Consent }},
	{Name: NotifyCommand, Env: []string{"CHARMD_NOTIFY_COMMAND"}, Kind: Path,
		Help: "program that is given a notice when a charm is disabled, or the service not ready", field: func(c *Config) any { return &c.NotifyCommand }},
	{Name: NotifyURL, Env: []string{"CHARMD_NOTIFY_URL"}, Kind: URL,
		Help: "address that such notices are posted to", field: func(c *Config) any { return &c.NotifyURL }},
	{Name: "notify-token", Env: []string{"CHARMD_NOTIFY_TOKEN"}, Kind: Hush, NoFlag: true,
		Help: "bearer token that is sent there", field: func(c *Config) any { return &c.NotifyToken }},
	{Name: "llm-url", Env: []string{"CHARMD_LLM_URL"}, Kind: URL,
		Help: "service that answers what charms ask a language model; they get none when unset", field: func(c *Config) any { return &c.LLMURL }},
	{Name: "log-level", Env: []string{"CHARMD_LOG_LEVEL"}, Kind: Level, Default: "info",
		Help: "least level that is logged", field: func(c *Config) any { return &c.LogLevel }},

	{Name: WorkerExe, Env: []string{"CHARMD_WORKER_EXE"}, Kind: Path, NoFlag: true, Hidden: true,
		Help: "program to start workers with", field: func(c *Config) any { return &c.WorkerExe }},
	{Name: "crash-at", Env: []string{"CHARMD_CRASH_AT"}, Kind: Text, NoFlag: true, Hidden: true,
		Help: "where the service kills itself: beginning, committing or committed, a colon, and which transaction", field: func(c *Config) any { return &c.CrashAt }},
	{Name: "egress-timeout", Env: []string{"CHARMD_EGRESS_TIMEOUT"}, Kind: Duration, Default: "60000",
		Min: int64(time.Millisecond), Max: int64(time.Minute), NoFlag: true, Hidden: true,
		Help: "time of one request of a charm", field: func(c *Config) any { return &c.EgressTimeout }},
}

// find is the option of that name; a name that is not in the table is a mistake
// of the program.
func find(name string) Option {
	for _, o := range table {
		if o.Name == name {
			return o
		}
	}
	panic("config: no option " + name)
}
