package manager

import (
	"context"
	"fmt"
	"slices"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/store"
)

// byDefault stands for the service's timeout.
const byDefault = "default"

// Configure changes how a charm is run, from its next run on, in one transaction;
// its entry in the registry follows. CodeInvalid: nothing is to be changed;
// CodeUsage: something cannot be so.
func (m *Manager) Configure(ctx context.Context, space, name string, req api.ConfigureRequest) (out api.Configured, err error) {
	err = m.store.Update(ctx, func(tx store.Tx) error {
		c, err := find(tx, space, name)
		if err != nil {
			return err
		}
		before := c
		if err := configure(&c, req); err != nil {
			return err
		}
		c.UpdatedAt = m.now()
		if _, err := tx.PutCharm(c); err != nil {
			return err
		}
		s, err := tx.State(c.Row)
		if err != nil {
			return err
		}
		if c.Registered && c.Integration != before.Integration {
			if err := m.registry.Transition(tx, c, s); err != nil {
				return err
			}
		}
		out = configured(c)
		tx.AfterCommit(func() {
			m.logger.Info("charm configured", "charm", out.Charm, "timeout", out.Timeout, "allowHosts", out.AllowHosts,
				"integration", out.Integration, "priority", out.Priority, "probe", out.Probe)
		})
		return m.queue.Put(tx, c, s)
	})
	if err == nil {
		m.tellRegistry(ctx)
	}
	return out, err
}

// configure applies a request to a charm.
func configure(c *charm.Charm, req api.ConfigureRequest) (err error) {
	if req.Empty() {
		return charm.Errorf(charm.CodeInvalid, "nothing is to be changed").WithHint("give --timeout, --allow-host or another flag")
	}
	switch req.Timeout {
	case "":
	case byDefault:
		c.Timeout = 0
	default:
		if c.Timeout, err = readTimeout(req.Timeout); err != nil {
			return err
		}
	}
	if req.Integration != "" {
		c.Integration = req.Integration
	}
	if req.Priority != nil {
		if err := checkPriority(*req.Priority); err != nil {
			return err
		}
		c.Priority = *req.Priority
	}
	switch req.Probe {
	case "":
	case "auto", "never":
		c.ProbeNever = req.Probe == "never"
	default:
		return charm.Errorf(charm.CodeUsage, "--probe is %q: it takes auto or never", req.Probe)
	}
	return configureHosts(c, req)
}

func configureHosts(c *charm.Charm, req api.ConfigureRequest) error {
	hosts := slices.Clone(c.AllowHosts)
	for _, host := range req.RemoveHosts {
		i := slices.Index(hosts, host)
		if i < 0 {
			return charm.Errorf(charm.CodeUsage, "--remove-host: %s is not among the hosts that %s may reach", host, c.Ref()).
				WithHint("charmd configure %s --allow-host adds one", c.Ref())
		}
		hosts = slices.Delete(hosts, i, i+1)
	}
	for _, host := range req.AllowHosts {
		if err := egress.CheckAllowHost(host); err != nil {
			return fmt.Errorf("--allow-host: %w", err)
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	c.AllowHosts = hosts
	return nil
}

func configured(c charm.Charm) api.Configured {
	out := api.Configured{
		Charm: c.Ref(), Timeout: byDefault, AllowHosts: append([]string{}, c.AllowHosts...), Integration: c.Integration, Priority: c.Priority, Probe: "auto",
	}
	if c.Timeout > 0 {
		out.Timeout = charm.ShortDuration(c.Timeout)
	}
	if c.ProbeNever {
		out.Probe = "never"
	}
	return out
}

// readTimeout is the wall time of a run as people give it.
func readTimeout(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > charm.MaxTimeout {
		return 0, charm.Errorf(charm.CodeUsage, "--timeout is %q: it takes a duration up to %s, like 30s", text, charm.ShortDuration(charm.MaxTimeout))
	}
	return d, nil
}

func checkPriority(n int) error {
	if n < -charm.MaxPriority || n > charm.MaxPriority {
		return charm.Errorf(charm.CodeUsage, "--priority is %d: it takes a number from -%d to %d", n, charm.MaxPriority, charm.MaxPriority)
	}
	return nil
}
