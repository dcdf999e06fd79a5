package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/explain"
)

// minPrefix is the least length of an id's prefix in a reference without space.
const minPrefix = 4

// resolveRef reads SPACE/CHARM. CHARM alone is looked for in all spaces.
func resolveRef(ctx context.Context, c *client.Client, text string) (client.Ref, error) {
	space, name, ok := strings.Cut(text, "/")
	if ok {
		if unusable(space) || unusable(name) {
			return client.Ref{}, charm.Errorf(charm.CodeUsage, "%q is not SPACE/CHARM", text).
				WithHint("charmd list shows the charms")
		}
		return client.Ref{Space: space, Charm: name}, nil
	}
	if unusable(text) {
		return client.Ref{}, charm.Errorf(charm.CodeUsage, "%q is not the name of a charm", text)
	}
	list, err := c.Charms(ctx, "")
	if err != nil {
		return client.Ref{}, err
	}
	return among(list, text)
}

// named is how people name a charm, as far as it has a name.
func named(c api.Charm) client.Ref {
	return client.Ref{Space: cmp.Or(c.SpaceName, c.Space), Charm: cmp.Or(c.Name, c.CharmID)}
}

// unusable reports whether a part cannot stand in the path of a URL.
func unusable(part string) bool { return part == "" || part == "." || part == ".." }

// among is the one charm of the list that is meant by a name, an id or the
// beginning of one.
func among(list []api.Charm, text string) (client.Ref, error) {
	exact := choose(list, func(c api.Charm) bool { return c.Name == text || c.CharmID == text })
	if len(exact) == 0 && len(text) >= minPrefix {
		exact = choose(list, func(c api.Charm) bool { return strings.HasPrefix(c.CharmID, text) })
	}
	switch len(exact) {
	case 0:
		return client.Ref{}, noCharm(list, text)
	case 1:
		return named(exact[0]), nil
	}
	names := make([]string, len(exact))
	for i, c := range exact {
		names[i] = refOf(c)
	}
	slices.Sort(names)
	return client.Ref{}, charm.Errorf(charm.CodeConflict, "%q may mean any of %s", text, strings.Join(names, ", ")).
		WithHint("name the space too: SPACE/CHARM")
}

// noCharm says that none of the list is named so, and what may be meant.
func noCharm(list []api.Charm, text string) error {
	e := charm.Errorf(charm.CodeNotFound, "there is no charm %q", text)
	var names []string
	for _, c := range list {
		if c.SpaceName == text {
			return e.WithHint("%s is a space: name a charm in it, as %s does", text, refOf(c))
		}
		names = append(names, c.Name, refOf(c))
	}
	if near := explain.Nearest(text, names); near != "" {
		return e.WithHint("did you mean: %s", near)
	}
	return e.WithHint("charmd list shows the charms")
}

func choose[T any](list []T, fits func(T) bool) []T {
	var chosen []T
	for _, c := range list {
		if fits(c) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// onCharm makes a command's action of one that works on the charm named by the
// first argument.
func (a *app) onCharm(do func(ctx context.Context, c *client.Client, ref client.Ref, rest []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := a.daemon(cmd)
		if err != nil {
			return err
		}
		ref, err := resolveRef(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, ref, args[1:])
	}
}

// exactly is cobra.ExactArgs with an error that says what is missing.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < n:
			return charm.Errorf(charm.CodeUsage, "%s needs %s", cmd.CommandPath(), what).WithHint("usage: %s", cmd.UseLine())
		case len(args) > n:
			return charm.Errorf(charm.CodeUsage, "%s has no use for %q", cmd.CommandPath(), args[n]).WithHint("usage: %s", cmd.UseLine())
		}
		return nil
	}
}

// nothing is exactly for a command without arguments.
func nothing(cmd *cobra.Command, args []string) error { return exactly(0, "")(cmd, args) }

// atMostOne is exactly for a command whose one argument may be left out.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return exactly(1, "")(cmd, args)
	}
	return nil
}

const charmArgument = "a charm, as SPACE/CHARM"
