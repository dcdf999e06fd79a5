package config

import (
	"slices"
	"strings"

	"charmd/internal/charm"
)

// Input is what a command was started with.
type Input struct {
	Flags map[string]string // raw values of the flags that were given, by option name
	Env   []string          // NAME=value, as os.Environ returns it
}

// given is a raw value and where it came from.
type given struct {
	raw          string
	origin       string // as Config.Origin returns it
	milliseconds bool   // the variable it came from says its unit
}

// Load reads the options: built-in, then file, then environment, then flags.
// With names, only those are read and all others stay built-in, so that a
// command is not stopped by a bad value it has no use for. Errors are
// *charm.Error with code usage.
func Load(in Input, names ...string) (Config, error) {
	c := Default()
	c.origins = map[string]string{}
	env := environment(in.Env)
	file, err := openFile(lookup(find(ConfigFile), in.Flags, env, nil))
	if err != nil {
		return Config{}, err
	}
	for _, o := range table {
		if len(names) > 0 && !slices.Contains(names, o.Name) {
			continue
		}
		g, ok := lookup(o, in.Flags, env, file)
		if !ok {
			continue
		}
		if err := o.assign(&c, g.raw, g.milliseconds); err != nil {
			return Config{}, badValue(o, g)
		}
		c.origins[o.Name] = g.origin
	}
	if toolshed, _ := c.Foreign(); toolshed != "" {
		c = c.Aside()
	}
	return c, c.check()
}

func badValue(o Option, g given) error {
	value := charm.Secret(g.raw).String()
	// Of an address with a user a password may be the rest.
	if o.Kind != Hush && o.Kind != Proxy && !(o.Kind == URL && strings.Contains(g.raw, "@")) {
		value = quote(g.raw)
	}
	allowed := o.Allowed()
	if g.milliseconds {
		allowed += "; this variable takes milliseconds only"
	}
	return charm.Errorf(charm.CodeUsage, "bad value %s for %s, from %s", value, o.Name, g.origin).
		WithHint("allowed: %s", allowed)
}

// lookup is the value of the option from the first place that has one.
func lookup(o Option, flags, env map[string]string, file map[string]given) (given, bool) {
	if raw, ok := flags[o.Name]; ok && !o.NoFlag {
		return given{raw: raw, origin: "flag --" + o.Name}, true
	}
	for _, name := range o.Env {
		if raw := env[name]; raw != "" {
			return given{raw, "environment variable " + name, inMilliseconds(name)}, true
		}
	}
	for _, name := range o.Env {
		if g := file[name]; g.raw != "" {
			return g, true
		}
	}
	return given{}, false
}

func inMilliseconds(variable string) bool { return strings.HasSuffix(variable, "_MS") }

// environment is the list as a map. Of a name that is there twice the first
// counts, as for os.Getenv.
func environment(list []string) map[string]string {
	env := make(map[string]string, len(list))
	for _, entry := range list {
		name, value, ok := strings.Cut(entry, "=")
		if _, twice := env[name]; ok && !twice {
			env[name] = value
		}
	}
	return env
}
