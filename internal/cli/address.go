package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"charmd/charms"
	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/config"
	"charmd/internal/egress"
	"charmd/internal/observe"
)

// choice is the recipe for an address.
type choice struct {
	recipe  string // a template
	name    string // of the charm
	because string
	setting string // of the recipe, that takes the value
	value   string
}

// isAddress tells an address from the name of a file.
func isAddress(text string) bool {
	scheme, _, ok := strings.Cut(text, "://")
	switch strings.ToLower(scheme) {
	case "http", "https", "webcal", "webcals":
		return ok
	}
	return false
}

// recipeFor finds the recipe for an address: by the address itself where that says
// enough, else by what is there.
func recipeFor(ctx context.Context, address string, allow []string, proxy *egress.Proxy) (choice, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return choice{}, charm.Errorf(charm.CodeUsage, "%q is not an address", address)
	}
	if u.User != nil {
		return choice{}, charm.Errorf(charm.CodeUsage, "the address of %s holds a password, which would be kept in plain text", u.Host)
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if host := strings.ToLower(u.Hostname()); (host == "github.com" || host == "www.github.com") && len(parts) >= 2 && !strings.HasSuffix(u.Path, ".atom") {
		repo := parts[0] + "/" + strings.TrimSuffix(parts[1], ".git")
		return choice{"github", nameFrom(path.Base(repo), host), "it is a repository at GitHub", "repo", repo}, nil
	}
	if strings.HasPrefix(strings.ToLower(u.Scheme), "webcal") {
		u.Scheme = "https"
	}
	return look(ctx, u, allow, proxy)
}

var (
	isPage    = regexp.MustCompile(`(?i)^\s*(<!--[\s\S]*?-->\s*)*<(!doctype html|html)`)
	isFeed    = regexp.MustCompile(`<(rss|feed|rdf:RDF)[\s>]`)
	namesFeed = regexp.MustCompile(`(?i)<link[^>]+(rss|atom)\+xml`)
	titleOf   = regexp.MustCompile(`<title[^>]*>\s*(?:<!\[CDATA\[)?([^<\]]*)`)
	calOf     = regexp.MustCompile(`(?m)^X-WR-CALNAME:(.*?)\r?$`)
)

const looksAt = 256 << 10 // bytes of an answer in which its kind is looked for

// look asks the address and judges what it answers.
func look(ctx context.Context, u *url.URL, allow []string, proxy *egress.Proxy) (choice, error) {
	door, err := egress.New(egress.Options{Proxy: proxy})
	if err != nil {
		return choice{}, err
	}
	defer door.Close()
	reply, _, err := door.Do(ctx, egress.Policy{AllowHosts: allow}, egress.Request{Method: "GET", URL: u.String()})
	if err != nil {
		return choice{}, charm.Errorf(charm.CodeInvalid, "what is at %s cannot be found out: %w", u.Redacted(), err)
	}
	if reply.Status != 200 {
		return choice{}, charm.Errorf(charm.CodeInvalid, "what is at %s cannot be found out: it answered %d", u.Redacted(), reply.Status)
	}
	start := bytes.TrimPrefix(reply.Body[:min(len(reply.Body), looksAt)], []byte("\xEF\xBB\xBF"))
	title := func(form *regexp.Regexp) string {
		if m := form.FindSubmatch(start); m != nil {
			return string(m[1])
		}
		return ""
	}
	switch {
	case bytes.HasPrefix(start, []byte("BEGIN:VCALENDAR")):
		return choice{"ical", nameFrom(title(calOf), u.Hostname()), "it is a calendar", "url", u.String()}, nil
	case isPage.Match(start) && namesFeed.Match(start):
		return choice{"rss", nameFrom(title(titleOf), u.Hostname()), "the page names its feed", "feedUrl", u.String()}, nil
	case !isPage.Match(start) && isFeed.Match(start):
		return choice{"rss", nameFrom(title(titleOf), u.Hostname()), "it is a feed", "feedUrl", u.String()}, nil
	case json.Valid(reply.Body):
		return choice{"json", nameFrom("", u.Hostname()), "it is JSON, of which settings/list names the list if that is not all of it", "url", u.String()}, nil
	}
	return choice{}, charm.Errorf(charm.CodeInvalid, "%s is no feed, calendar, JSON or repository that a recipe is there for, and names none", u.Redacted()).
		WithHint("charmd new NAME --template rss writes a recipe to start from")
}

var notOfAName = regexp.MustCompile(`[^\pL\pN]+`)

const mostOfName = 40 // characters

// nameFrom makes a name for a charm of a title, or of a host without one.
func nameFrom(title, host string) string {
	for _, text := range []string{title, strings.TrimPrefix(host, "www.")} {
		name := strings.Trim(notOfAName.ReplaceAllString(strings.ToLower(text), "-"), "-")
		if letters := []rune(name); len(letters) > mostOfName {
			name = strings.Trim(string(letters[:mostOfName]), "-")
		}
		if name != "" {
			return name
		}
	}
	return "news"
}

// chooseRecipe fills the request with the recipe for the address, and says which.
func (a *app) chooseRecipe(cmd *cobra.Command, address string, req *api.AddRequest) error {
	if req.Argument != nil {
		return charm.Errorf(charm.CodeUsage, "--argument is for recipes; the one for an address gets its settings from that").
			WithHint("charmd set SPACE/CHARM settings/limit 50 changes others")
	}
	cfg, err := a.load(cmd, config.EgressProxy, config.AllowHosts)
	if err != nil {
		return err
	}
	proxy, err := cfg.EgressProxy()
	if err != nil {
		return err
	}
	c, err := recipeFor(cmd.Context(), address, slices.Concat(req.AllowHosts, cfg.AllowHosts), proxy)
	if err != nil {
		return err
	}
	req.Entry = c.name + ".tsx"
	req.Files = map[string]string{req.Entry: charms.Source(c.recipe + ".tsx")}
	req.Argument, err = json.Marshal(map[string]any{"settings": map[string]string{c.setting: c.value}})
	a.warn("%s: %s, so the recipe is %s", observe.Line(address), c.because, c.recipe)
	return err
}
