package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"charmd/internal/charm"
)

// maxFileBytes is the size limit of a configuration file.
const maxFileBytes = 64 << 10

// openFile reads the file that the config option names, if it does.
func openFile(from given, named bool) (map[string]given, error) {
	if !named {
		return nil, nil
	}
	f, err := os.Open(from.raw)
	if err != nil {
		return nil, charm.Errorf(charm.CodeUsage, "cannot read the configuration file named by %s: %w", from.origin, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, charm.Errorf(charm.CodeUsage, "cannot read the configuration file named by %s: %w", from.origin, err)
	}
	return parseFile(filepath.Base(from.raw), string(text))
}

// parseFile reads NAME=value lines: empty lines and those that begin with # are
// skipped, space around name and value is dropped, and so is one pair of quotes
// around a value. Names are the environment variables of the table.
func parseFile(file, text string) (map[string]given, error) {
	if len(text) > maxFileBytes {
		return nil, charm.Errorf(charm.CodeUsage, "%s is larger than %d KiB", file, maxFileBytes>>10)
	}
	values := map[string]given{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := fmt.Sprintf("%s:%d", file, number)
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, charm.Errorf(charm.CodeUsage, "%s: this is not a NAME=value line", at)
		}
		if !inTable(name) {
			return nil, charm.Errorf(charm.CodeUsage, "%s: there is no option %s", at, quote(name)).
				WithHint("charmd help configuration lists them")
		}
		if first, twice := values[name]; twice {
			return nil, charm.Errorf(charm.CodeUsage, "%s: %s is set already, at %s", at, name, first.origin)
		}
		values[name] = given{unquote(strings.TrimSpace(value)), at, inMilliseconds(name)}
	}
	return values, nil
}

// inTable reports whether the variable may stand in a file. The file cannot
// name another one.
func inTable(variable string) bool {
	for _, o := range table {
		if o.Name != ConfigFile && slices.Contains(o.Env, variable) {
			return true
		}
	}
	return false
}

func unquote(value string) string {
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return value[1 : n-1]
	}
	return value
}

// quote is s for an error message: short, and without control characters.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}
