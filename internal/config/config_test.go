package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"charmd/internal/charm"
)

// TestTable holds the table to its own rules.
func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	once := func(key, option string) {
		if other, twice := seen[key]; twice {
			t.Errorf("%s belongs to %s and %s", key, other, option)
		}
		seen[key] = option
	}
	for _, o := range table {
		once("--"+o.Name, o.Name)
		ours := false
		for _, name := range o.Env {
			once(name, o.Name)
			ours = ours || strings.HasPrefix(name, "CHARMD_")
			if o.Name != ConfigFile && !inTable(name) {
				t.Errorf("%s cannot stand in a file", name)
			}
		}
		if !o.NoFlag && !ours {
			t.Errorf("%s has a flag and no CHARMD_ variable", o.Name)
		}
		if o.Kind == Hush && !o.NoFlag {
			t.Errorf("%s is secret and has a flag", o.Name)
		}
		if o.Help == "" || o.Allowed() == "" {
			t.Errorf("%s says too little", o.Name)
		}
		if o.Kind == Count || o.Kind == Duration {
			if o.Max <= o.Min {
				t.Errorf("%s allows nothing", o.Name)
			}
		}
		if o.field == nil && o.Name != ConfigFile {
			t.Errorf("%s sets nothing", o.Name)
		}
	}
	for _, name := range []string{
		"TOOLSHED_API_URL", "MEMORY_URL", "OPERATOR_PASS", "IDENTITY", "MAX_CONCURRENT_JOBS", "MAX_RETRIES",
		"CYCLE_INTERVAL_MS", "LOG_INTERVAL_MS", "MAX_CONSECUTIVE_FAILURES", "CHARM_EXECUTION_TIMEOUT_MS",
		"TOKEN_REFRESH_TIMEOUT_MS", "MAINTENANCE_JOB_TIMEOUT_MS", "GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET",
		"--interval", "--failures", "--log-interval", "--max-concurrent", "--max-retries", "--only",
	} {
		if seen[name] == "" {
			t.Errorf("the original's %s is missing", name)
		}
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	c := Config{OperatorPass: "hunter2"}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "pass", c.OperatorPass, "config", c)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for how, got := range map[string]string{
		"%v": fmt.Sprintf("%v", c), "%+v": fmt.Sprintf("%+v", c), "%#v": fmt.Sprintf("%#v", c),
		"%q": fmt.Sprintf("%q", c.OperatorPass), "%s": fmt.Sprintf("%s", c.OperatorPass), "%x": fmt.Sprintf("%x", c.OperatorPass),
		"%d": fmt.Sprintf("%d", c.OperatorPass), "pointer": fmt.Sprintf("%+v", &c),
		"within": fmt.Sprintf("%v %q", []any{c.OperatorPass}, map[string]charm.Secret{"a": c.OperatorPass}),
		"error":  charm.Errorf(charm.CodeInternal, "bad %v", c.OperatorPass).WithHint("not %q", c.OperatorPass).Error(),
		"json":   string(text), "slog": logged.String(),
	} {
		if strings.Contains(got, "hunter2") || !strings.Contains(got, "***") {
			t.Errorf("%s prints %s", how, got)
		}
	}
	if got := charm.Secret("").String(); got != "" {
		t.Errorf("no secret prints %q", got)
	}
}
