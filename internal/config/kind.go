package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/egress"
)

// Kind is the form of an option's value.
type Kind int

// The kinds, each with the type of the field that takes it.
const (
	Text     Kind = iota // string
	Hush                 // charm.Secret
	Path                 // string
	Address              // string, HOST:PORT
	URL                  // string, http or https
	Bool                 // bool
	Count                // int
	Duration             // time.Duration
	Size                 // int64, bytes
	Hosts                // []string, each host[:port]
	Level                // slog.Level
	Asking               // egress.Consent
	Proxy                // charm.Secret
)

// Placeholder stands for a value of the kind in help texts.
func (k Kind) Placeholder() string {
	return [...]string{
		Text: "NAME", Hush: "SECRET", Path: "PATH", Address: "HOST:PORT", URL: "URL", Bool: "",
		Count: "N", Duration: "DURATION", Size: "SIZE", Hosts: "HOST[:PORT],…", Level: "LEVEL", Asking: "off|warn|ask", Proxy: "URL",
	}[k]
}

// Allowed says in words what values the option takes.
func (o Option) Allowed() string {
	switch o.Kind {
	case Path:
		return "a path"
	case Address:
		return "HOST:PORT, such as 127.0.0.1:8000"
	case URL:
		return "an http or https address without user or password, such as http://localhost:8000"
	case Bool:
		return "true or false"
	case Count:
		return fmt.Sprintf("a whole number from %d to %d", o.Min, o.Max)
	case Duration:
		return fmt.Sprintf("a duration from %v to %v, such as 90s or 5m, or a number of milliseconds",
			charm.ShortDuration(time.Duration(o.Min)), charm.ShortDuration(time.Duration(o.Max)))
	case Size:
		return "a number of bytes, such as 512MiB or 10GB, or 0 for none"
	case Hosts:
		return "HOST or HOST:PORT, several separated by commas"
	case Level:
		return "debug, info, warn or error"
	case Asking:
		return "off, warn or ask"
	case Proxy:
		return "an http or https address such as http://proxy.example:3128, with USER:PASSWORD@ in front of the host in the environment alone"
	}
	return "a text"
}

// DefaultText is the default as people write it.
func (o Option) DefaultText() string {
	if ms, err := duration(o.Default, true); err == nil && o.Kind == Duration {
		return charm.ShortDuration(time.Duration(ms))
	}
	return o.Default
}

var errForm = errors.New("not of the option's form")

// assign parses raw and sets the option's field. milliseconds says that a
// duration must be a plain number of them, as the variables ending in _MS are.
func (o Option) assign(c *Config, raw string, milliseconds bool) error {
	if o.field == nil {
		return nil
	}
	var err error
	switch field := o.field(c).(type) {
	case *string:
		*field, err = o.text(raw)
	case *charm.Secret:
		if *field = charm.Secret(raw); o.Kind == Proxy {
			_, err = egress.ParseProxy(*field)
		}
	case *bool:
		*field, err = strconv.ParseBool(raw)
	case *int:
		var n int64
		n, err = o.within(strconv.ParseInt(raw, 10, 64))
		*field = int(n)
	case *time.Duration:
		var d int64
		d, err = o.within(duration(raw, milliseconds))
		*field = time.Duration(d)
	case *int64:
		*field, err = o.within(size(raw))
	case *[]string:
		*field, err = hosts(raw)
	case *slog.Level:
		*field, err = level(raw)
	case *egress.Consent:
		if *field = egress.Consent(raw); !slices.Contains([]egress.Consent{egress.ConsentOff, egress.ConsentWarn, egress.ConsentAsk}, *field) {
			err = errForm
		}
	default:
		panic(fmt.Sprintf("config: option %s sets a %T", o.Name, field))
	}
	return err
}

func (o Option) within(n int64, err error) (int64, error) {
	if err == nil && (n < o.Min || n > o.Max) {
		err = errForm
	}
	return n, err
}

func (o Option) text(raw string) (string, error) {
	switch {
	case raw == "":
		return "", errForm
	case o.Kind == Address:
		return raw, checkAddress(raw)
	case o.Kind == URL:
		return raw, checkURL(raw)
	}
	return raw, nil
}

// duration reads a number of milliseconds, or a Go duration unless only
// milliseconds are meant.
func duration(raw string, milliseconds bool) (int64, error) {
	if n, err := strconv.ParseInt(raw, 10, 64); err == nil {
		d := time.Duration(n) * time.Millisecond
		if d/time.Millisecond != time.Duration(n) {
			return 0, errForm
		}
		return int64(d), nil
	}
	if milliseconds {
		return 0, errForm
	}
	d, err := time.ParseDuration(raw)
	return int64(d), err
}

// units are the ends of a size, longer ones before what they end with.
var units = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// size reads a whole number of bytes with a unit, or without.
func size(raw string) (int64, error) {
	number, unit := raw, int64(1)
	for _, u := range units {
		if n, is := strings.CutSuffix(raw, u.name); is {
			number, unit = strings.TrimSpace(n), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, errForm
	}
	return n * unit, nil
}

func checkAddress(raw string) error {
	_, port, err := net.SplitHostPort(raw)
	if err != nil {
		return err
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err
}

func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return err
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		return errForm
	}
	return nil
}

// hosts splits a list of host[:port].
func hosts(raw string) ([]string, error) {
	var list []string
	for host := range strings.SplitSeq(raw, ",") {
		host = strings.TrimSpace(host)
		if err := egress.CheckAllowHost(host); err != nil {
			return nil, err
		}
		list = append(list, host)
	}
	return list, nil
}

func level(raw string) (slog.Level, error) {
	switch strings.ToLower(raw) {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, errForm
}
