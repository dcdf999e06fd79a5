package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"charmd/internal/charm"
	"charmd/internal/egress"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	got, err := Load(Input{})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		DataDir: "./charmd-data", Listen: "127.0.0.1:8000",
		Workers: 5, MaxRetries: 3, MaxFailures: 5,
		Cycle: time.Minute, LogInterval: 5 * time.Minute,
		Timeout: 30 * time.Second, MaintenanceTimeout: time.Minute, TokenRefreshTimeout: 10 * time.Second,
		Grace: 10 * time.Second, KeepReplays: 5, MinFree: 256 << 20, Consent: egress.ConsentWarn, LogLevel: slog.LevelInfo, EgressTimeout: time.Minute,
	}
	if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".origins" }, cmp.Ignore())); diff != "" {
		t.Error(diff)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		flags map[string]string
		env   []string
		get   func(Config) any
		want  any
	}{
		{"the variables of the original are milliseconds", nil, []string{"CYCLE_INTERVAL_MS=1500"}, func(c Config) any { return c.Cycle }, 1500 * time.Millisecond},
		{"flags of the original are milliseconds", map[string]string{"interval": "2000"}, nil, func(c Config) any { return c.Cycle }, 2 * time.Second},
		{"flags may be durations", map[string]string{"log-interval": "1m30s"}, nil, func(c Config) any { return c.LogInterval }, 90 * time.Second},
		{"our own variables may be durations", nil, []string{"CHARMD_GRACE=2s"}, func(c Config) any { return c.Grace }, 2 * time.Second},
		{"no status lines", nil, []string{"LOG_INTERVAL_MS=0"}, func(c Config) any { return c.LogInterval }, time.Duration(0)},
		{"no retries", nil, []string{"MAX_RETRIES=0"}, func(c Config) any { return c.MaxRetries }, 0},
		{"a flag wins over the environment", map[string]string{"max-retries": "1"}, []string{"MAX_RETRIES=2"}, func(c Config) any { return c.MaxRetries }, 1},
		{"an empty variable is none", nil, []string{"MAX_RETRIES=", "CHARMD_MAX_RETRIES=7"}, func(c Config) any { return c.MaxRetries }, 7},
		{"the name of the original wins over ours", nil, []string{"CHARMD_MAX_RETRIES=7", "MAX_RETRIES=6"}, func(c Config) any { return c.MaxRetries }, 6},
		{"size", map[string]string{"disk-budget": "10 GB"}, nil, func(c Config) any { return c.DiskBudget }, int64(10e9)},
		{"size in binary units", nil, []string{"CHARMD_MIN_FREE=3MiB"}, func(c Config) any { return c.MinFree }, int64(3 << 20)},
		{"consent", nil, []string{"CHARMD_CONSENT=ask"}, func(c Config) any { return c.Consent }, egress.ConsentAsk},
		{"size in bytes", nil, []string{"CHARMD_MIN_FREE=0"}, func(c Config) any { return c.MinFree }, int64(0)},
		{"hosts", nil, []string{"CHARMD_ALLOW_HOSTS=nas.lan:8080, [::1]:80,printer"}, func(c Config) any { return c.AllowHosts }, []string{"nas.lan:8080", "[::1]:80", "printer"}},
		{"switch", map[string]string{"dev": "true"}, nil, func(c Config) any { return c.Dev }, true},
		{"level", map[string]string{"log-level": "DEBUG"}, nil, func(c Config) any { return c.LogLevel }, slog.LevelDebug},
		{"secret", nil, []string{"OPERATOR_PASS=correct horse"}, func(c Config) any { return c.OperatorPass.Reveal() }, "correct horse"},
		{"a secret has no flag", map[string]string{"operator-pass": "x"}, nil, func(c Config) any { return c.OperatorPass }, charm.Secret("")},
		{"toolshed", nil, []string{"TOOLSHED_API_URL=http://localhost:8000"}, func(c Config) any { return c.ToolshedURL }, "http://localhost:8000"},
		{"origin of a flag", map[string]string{"listen": "127.0.0.1:1"}, nil, func(c Config) any { return c.Origin(Listen) }, "flag --listen"},
		{"origin of a default", nil, nil, func(c Config) any { return c.Origin(Listen) }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := Load(Input{Flags: tc.flags, Env: tc.env})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, tc.get(c)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		flags     map[string]string
		env       []string
		say, hint string
	}{
		{"word for a number", nil, []string{"MAX_RETRIES=many"},
			`bad value "many" for max-retries, from environment variable MAX_RETRIES`, "allowed: a whole number from 0 to 100"},
		{"too many", map[string]string{"max-concurrent": "1000"}, nil,
			`bad value "1000" for max-concurrent, from flag --max-concurrent`, "allowed: a whole number from 1 to 256"},
		{"no such consent", map[string]string{"consent": "perhaps"}, nil, `bad value "perhaps" for consent, from flag --consent`, "off, warn or ask"},
		{"negative", map[string]string{"max-retries": "-1"}, nil, `bad value "-1" for max-retries, from flag --max-retries`, "from 0 to 100"},
		{"an address with a password", map[string]string{"notify-url": "https://ada:sesame@hooks.example"}, nil, `bad value *** for notify-url, from flag --notify-url`, "without user or password"},
		{"empty flag", map[string]string{"max-retries": ""}, nil, `bad value "" for max-retries`, "a whole number"},
		{"duration in a variable of milliseconds", nil, []string{"CYCLE_INTERVAL_MS=60s"},
			`bad value "60s" for interval, from environment variable CYCLE_INTERVAL_MS`, "this variable takes milliseconds only"},
		{"short cycle", map[string]string{"interval": "999"}, nil, `bad value "999" for interval`, "a duration from 1s to 720h"},
		{"overflow", map[string]string{"timeout": "9223372036854775807"}, nil, `bad value "9223372036854775807" for timeout`, "from 1ms to 10m"},
		{"address without port", map[string]string{"listen": "localhost"}, nil, `bad value "localhost" for listen`, "HOST:PORT"},
		{"port too high", nil, []string{"CHARMD_LISTEN=127.0.0.1:70000"}, `bad value "127.0.0.1:70000" for listen, from environment variable CHARMD_LISTEN`, "HOST:PORT"},
		{"other scheme", nil, []string{"TOOLSHED_API_URL=ftp://x"}, `bad value "ftp://x" for toolshed-api-url`, "http or https"},
		{"user in a URL", nil, []string{"MEMORY_URL=http://a:b@x"}, `for memory-url`, "without user or password"},
		{"neither true nor false", map[string]string{"dev": "perhaps"}, nil, `bad value "perhaps" for dev`, "true or false"},
		{"URL as host", map[string]string{"allow-hosts": "http://nas"}, nil, `bad value "http://nas" for allow-hosts`, "HOST:PORT"},
		{"level", map[string]string{"log-level": "loud"}, nil, `bad value "loud" for log-level`, "debug, info, warn or error"},
		{"control characters", map[string]string{"interval": "\x1b[2J"}, nil, `bad value "\x1b[2J" for interval`, ""},
		{"reachable from elsewhere", map[string]string{"listen": "0.0.0.0:8000"}, nil, `listen (flag --listen) is "0.0.0.0:8000"`, "--allow-remote"},
		{"reachable without TLS", map[string]string{"listen": "0.0.0.0:8000", "allow-remote": "true"}, nil, `allow-remote (flag --allow-remote) without TLS`, "--behind-proxy"},
		{"a proxy's password for everybody to see", map[string]string{"egress-proxy": "http://u:sesame@proxy.example:3128"}, nil,
			`egress-proxy (flag --egress-proxy) holds a password`, "CHARMD_EGRESS_PROXY"},
		{"no proxy", nil, []string{"CHARMD_EGRESS_PROXY=socks5://u:sesame@proxy.example"}, `bad value *** for egress-proxy`, "http or https"},
		{"half a pair", map[string]string{"tls-cert": "a"}, nil, `tls-cert (flag --tls-cert) without tls-key`, "both files"},
		{"the other half", nil, []string{"CHARMD_TLS_KEY=b"}, `tls-key (environment variable CHARMD_TLS_KEY) without tls-cert`, "both files"},
		{"no host is every host", map[string]string{"listen": ":8000"}, nil, `is ":8000"`, "--allow-remote"},
		{"dev and remote", map[string]string{"dev": "true"}, []string{"CHARMD_ALLOW_REMOTE=true"},
			"dev (flag --dev) and allow-remote (environment variable CHARMD_ALLOW_REMOTE) exclude each other", ""},
		{"no such file", map[string]string{"config": "/nonexistent/charmd.conf"}, nil, "cannot read the configuration file named by flag --config", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(Input{Flags: tc.flags, Env: tc.env})
			refused(t, err, tc.say, tc.hint)
		})
	}
}

func refused(t *testing.T, err error, say, hint string) {
	t.Helper()
	e, ok := errors.AsType[*charm.Error](err)
	if !ok || e.Code != charm.CodeUsage {
		t.Fatalf("error is %#v, want one of code usage", err)
	}
	if strings.Contains(e.Message+e.Hint, "sesame") {
		t.Errorf("it tells a secret: %v", e)
	}
	if !strings.Contains(e.Message, say) {
		t.Errorf("message is %q, want %q in it", e.Message, say)
	}
	if !strings.Contains(e.Hint, hint) {
		t.Errorf("hint is %q, want %q in it", e.Hint, hint)
	}
}

func TestAllowedTogether(t *testing.T) {
	t.Parallel()
	for _, flags := range []map[string]string{
		{"listen": "0.0.0.0:8000", "allow-remote": "true", "behind-proxy": "true"},
		{"listen": "0.0.0.0:8000", "allow-remote": "true", "tls-cert": "a", "tls-key": "b"},
		{"listen": "0.0.0.0:8000", "allow-remote": "true", "tls-cert": "a", "tls-key": "b", "behind-proxy": "true"},
		{"egress-proxy": "http://proxy.example:3128"},
		{"allow-remote": "true"},
		{"listen": "localhost:8000"},
		{"listen": "[::1]:0"},
	} {
		if _, err := Load(Input{Flags: flags}); err != nil {
			t.Errorf("%v: %v", flags, err)
		}
	}
}

func TestOnlyTheNamedOptionsAreRead(t *testing.T) {
	t.Parallel()
	c, err := Load(Input{Env: []string{"MAX_RETRIES=many", "CHARMD_DATA_DIR=/d"}}, DataDir)
	if err != nil || c.DataDir != "/d" {
		t.Errorf("got %q, %v", c.DataDir, err)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "charmd.conf")
	text := "# comment\n\n MAX_RETRIES = 9 \nOPERATOR_PASS='a # b'\r\nCHARMD_GRACE=\"1s\"\nCYCLE_INTERVAL_MS=5000\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Input{Env: []string{"CHARMD_CONFIG=" + name, "CYCLE_INTERVAL_MS=7000"}})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.MaxRetries, " ", c.OperatorPass.Reveal(), " ", c.Grace, " ", c.Cycle, " ", c.Origin("max-retries"))
	if want := "9 a # b 1s 7s charmd.conf:3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFileRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, say, hint string }{
		{"MAX_RETRIES=1\nnonsense\n", "f:2: this is not a NAME=value line", ""},
		{"=1", "f:1: this is not a NAME=value line", ""},
		{"MAX_RETRYS=1", `f:1: there is no option "MAX_RETRYS"`, "charmd help configuration"},
		{"CHARMD_CONFIG=x", `f:1: there is no option "CHARMD_CONFIG"`, ""},
		{"MAX_RETRIES=1\nMAX_RETRIES=2", "f:2: MAX_RETRIES is set already, at f:1", ""},
		{strings.Repeat("#", maxFileBytes+1), "f is larger than 64 KiB", ""},
	} {
		_, err := parseFile("f", tc.text)
		refused(t, err, tc.say, tc.hint)
	}
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("\nOPERATOR_PASS=x\nMAX_RETRIES=x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Input{Flags: map[string]string{"config": name}})
	refused(t, err, `bad value "x" for max-retries, from f:3`, "a whole number")
}

func FuzzParseFile(f *testing.F) {
	f.Add("MAX_RETRIES=1\n# x\nCHARMD_ONLY='a=b'")
	f.Add("=\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parseFile("f", text)
		if _, ok := errors.AsType[*charm.Error](err); err != nil && !ok {
			t.Fatalf("error without code: %v", err)
		}
		for name := range values {
			if !inTable(name) {
				t.Fatalf("took %q", name)
			}
		}
	})
}
