package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completeWithin is how long a shell waits for the names of charms.
const completeWithin = time.Second

// completeArguments lets shells complete what a command and those below it take, as
// their usage names it: charms from the daemon, files where there are files.
func (a *app) completeArguments(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		a.completeArguments(sub)
	}
	_, takes, _ := strings.Cut(cmd.Use, " ")
	takes = strings.NewReplacer("[", "", "]", "").Replace(takes)
	switch {
	case strings.HasPrefix(takes, "SPACE/CHARM"), strings.HasPrefix(takes, "JOB | SPACE/CHARM"):
		files := cobra.ShellCompDirectiveNoFileComp
		if strings.Contains(takes, "FILE") {
			files = cobra.ShellCompDirectiveDefault
		}
		cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, files
			}
			return a.charmNames(cmd), cobra.ShellCompDirectiveNoFileComp
		}
	case !strings.Contains(takes, "FILE"):
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
}

// charmNames are the names of all charms, none when no daemon tells them soon.
func (a *app) charmNames(cmd *cobra.Command) (names []string) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
	defer cancel()
	c, err := a.daemon(cmd)
	if err != nil {
		return nil
	}
	list, err := c.Charms(ctx, "")
	if err != nil {
		return nil
	}
	for _, found := range list {
		names = append(names, refOf(found))
	}
	return names
}
