package cli

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/observe"
)

func (a *app) setCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set SPACE/CHARM PATH JSON",
		Short: "Write one value of a charm",
		Long: "Write one value of a charm, as a client of the space would.\n\n" +
			"PATH leads from the charm's result to the value, its keys separated by slashes;\n" +
			"in a key, ~1 stands for a slash and ~0 for a tilde. Links on the way are followed.\n" +
			"A key that the result does not have is refused, and so is a stream, which holds no value.",
		Example: "  charmd set home/counter value 0\n" +
			"  charmd set home/news settings/feedUrl '\"https://example.org/feed.xml\"'",
		Args: exactly(3, "a charm, a path and a JSON value"),
		RunE: a.onCharm(func(ctx context.Context, c *client.Client, ref client.Ref, rest []string) error {
			path, err := cellPath(rest[0])
			if err != nil {
				return err
			}
			value, err := jsonValue("the value", []byte(rest[1]))
			if err != nil {
				return err
			}
			if err := c.SetCell(ctx, ref, path, value); err != nil {
				return err
			}
			return a.result(struct {
				Charm string          `json:"charm"`
				Path  []string        `json:"path"`
				Value json.RawMessage `json:"value"`
			}{ref.String(), path, value}, func() { a.print("set %s %s", observe.Line(ref.String()), observe.Line(rest[0])) })
		}),
	}
}

// cellPath reads keys separated by slashes, with the escapes of JSON Pointer. A
// slash at the beginning is optional.
func cellPath(text string) ([]string, error) {
	keys := strings.Split(strings.TrimPrefix(text, "/"), "/")
	for i, key := range keys {
		keys[i] = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
	}
	if slices.ContainsFunc(keys, unusable) {
		return nil, charm.Errorf(charm.CodeUsage, "%q is not a path", text).
			WithHint("a path is keys separated by slashes, such as settings/feedUrl or items/0/title")
	}
	return keys, nil
}
