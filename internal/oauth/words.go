package oauth

import (
	"fmt"
	"path"
	"strings"
	"time"

	"charmd/internal/charm"
)

// who is the account for people: "Google account a@example.org".
func who(p Provider, c charm.Connection) string {
	if c.Account.Email == "" {
		return p.Title + " account"
	}
	return p.Title + " account " + c.Account.Email
}

// Again is what a person is told of a connection that does not work.
func again(p Provider, c charm.Connection) string {
	return fmt.Sprintf("its %s must be connected again: %s", who(p, c), c.Reason)
}

// refused is why the provider does not take the refresh token any more, as far as
// it can be told: providers say no more than invalid_grant.
func refused(p Provider, c charm.Connection, now time.Time) string {
	age := now.Sub(c.Made)
	switch {
	case !c.Ends.IsZero() && !now.Before(c.Ends.Add(-time.Hour)):
		return fmt.Sprintf("the access ended on %s, as %s had said when it was given%s", c.Ends.UTC().Format(time.DateOnly), p.Title, inTesting(p))
	case p.Name == "google" && age > 7*day-12*time.Hour && age < 8*day:
		return "the access ended 7 days after it was given" + inTesting(p)
	}
	return p.Title + " does not accept the access any more: it was taken back, the password was changed, or it was not used for long"
}

const day = 24 * time.Hour

// inTesting is what makes Google's accesses last 7 days.
func inTesting(p Provider) string {
	if p.Name != "google" {
		return ""
	}
	return "; Google does that while the app's publishing status is Testing (publish it in the Google Cloud console)"
}

// lacking is why a connection without a permission cannot be used.
func lacking(p Provider, c charm.Connection) string {
	var missing []string
	for _, scope := range missingScopes(p, c.Scopes) {
		missing = append(missing, path.Base(scope))
	}
	if len(missing) == 0 {
		return p.Title + " says that the charm needs a permission that was not given"
	}
	return "it was connected without the permission " + strings.Join(missing, ", ") + ", which the charm needs"
}

// missingScopes are those asked for and not granted. Google grants email and profile
// under long names; Microsoft those of its Graph, in letters of any size.
func missingScopes(p Provider, granted []string) (missing []string) {
	have := map[string]bool{}
	for _, scope := range granted {
		scope = strings.ToLower(scope)
		have[scope] = true
		for _, long := range []string{"https://www.googleapis.com/auth/userinfo.", "https://graph.microsoft.com/"} {
			if short, ok := strings.CutPrefix(scope, long); ok {
				have[short] = true
			}
		}
	}
	for _, scope := range p.Scopes {
		if !have[strings.ToLower(scope)] && scope != "openid" && scope != "offline_access" {
			missing = append(missing, scope)
		}
	}
	return missing
}

// Missing are the permissions that were asked for and not given, for people.
func (a *Accounts) Missing(c charm.Connection) []string {
	p, err := a.Provider(c.Provider)
	if err != nil {
		return nil
	}
	return missingScopes(p, c.Scopes)
}

// Words are how a connection stands, in one sentence.
func (a *Accounts) Words(c charm.Connection) string {
	p, err := a.Provider(c.Provider)
	switch now := a.o.Now(); {
	case err != nil:
		return err.Error()
	case c.State == charm.Disconnected:
		return again(p, c)
	case !c.Ends.IsZero():
		return fmt.Sprintf("works; %s ends the access on %s%s", p.Title, c.Ends.UTC().Format(time.DateTime), inDays(c.Ends.Sub(now)))
	}
	return "works; it is refreshed by itself"
}

func inDays(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf(", in %d days", int(d/day))
}

// Meant is the name of the provider whose account our words are about, also of one that
// was never connected; "" when they are about none, or about several of one title.
func (a *Accounts) Meant(words string) (name string) {
	longest := 0
	for _, p := range a.o.Providers {
		if !strings.Contains(words, " "+p.Title+" account") {
			continue
		}
		switch {
		case len(p.Title) > longest:
			name, longest = p.Name, len(p.Title)
		case len(p.Title) == longest:
			name = ""
		}
	}
	return name
}
