package service

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"charmd/internal/egress"
)

// What recipes find at the toolshed: its language model, other models beside it, and the
// refresh of tokens.
const (
	modelPath   = "/api/ai/llm"
	modelsBelow = "/api/ai/"
)

// local answers requests of recipes to the toolshed itself, in process, with the
// rights of the charm's space. What only another toolshed can answer is passed on to it.
func (s *Service) local(ctx context.Context, p egress.Policy, req egress.Request) (egress.Reply, bool) {
	u, err := url.Parse(req.URL)
	if err != nil {
		return egress.Reply{}, false
	}
	beside := s.beside.toolshed != ""
	if u.Path == modelPath && (s.config.LLMURL != "" || !beside) {
		return s.askModel(ctx, p, req), true
	}
	reply, theirs, ok := s.toolshed.Local(ctx, p.Space, req)
	switch {
	case ok:
		return reply, true
	case theirs != nil:
		return s.passOn(ctx, p, *theirs)
	case beside && isModel(u.Path):
		return s.passOn(ctx, p, req)
	}
	return egress.Reply{}, false
}

// isModel reports whether an unescaped path is below that of the models, however a
// server reads it, and however often it unescapes.
func isModel(path string) bool {
	for again := true; again; {
		steps := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
		if !strings.HasPrefix(path, modelsBelow) || slices.ContainsFunc(steps, goesUp) {
			return false
		}
		further, err := url.PathUnescape(path)
		again = err == nil && further != path
		path = further
	}
	return true
}

// goesUp reports whether a step of a path is none below the one before.
func goesUp(step string) bool {
	name, _, _ := strings.Cut(step, ";")
	return name == "." || name == ".."
}

// passOn has the toolshed that we are a client of answer a charm's request. Nothing
// but what is asked goes there, and nothing but the answer comes back.
func (s *Service) passOn(ctx context.Context, p egress.Policy, req egress.Request) (egress.Reply, bool) {
	at, err := url.Parse(req.URL)
	if err != nil {
		return egress.Reply{}, false
	}
	to, err := url.Parse(s.beside.toolshed)
	if err != nil {
		return egress.Reply{}, false
	}
	asks := egress.Policy{Space: p.Space, Charm: p.Charm, Ours: true, AllowHosts: []string{to.Host}}
	at.Scheme, at.Host = to.Scheme, to.Host
	got, _, err := s.egress.Do(ctx, asks, egress.Request{Method: req.Method, URL: at.String(), Headers: only(req.Headers, "accept", "content-type"), Body: req.Body, Redirect: egress.RedirectManual})
	if err != nil {
		s.unanswered.Warn("the toolshed could not answer a charm", "charm", p.Space+"/"+p.Charm, "path", at.Path, "err", err)
		return egress.Reply{Status: http.StatusBadGateway, StatusText: http.StatusText(http.StatusBadGateway), URL: req.URL, Body: []byte("the toolshed could not be asked; charmd's log says why")}, true
	}
	return egress.Reply{Status: got.Status, StatusText: got.StatusText, URL: req.URL, Headers: only(got.Headers, "content-type"), Body: got.Body}, true
}

// only are the headers with the names.
func only(headers [][2]string, names ...string) (kept [][2]string) {
	for _, h := range headers {
		if slices.Contains(names, strings.ToLower(h[0])) {
			kept = append(kept, h)
		}
	}
	return kept
}

// askModel passes a charm's question on to the service that the configuration names,
// which may be a private one: nothing but its answer is told. That there is none is no
// failure of anybody.
func (s *Service) askModel(ctx context.Context, p egress.Policy, req egress.Request) egress.Reply {
	answer := func(status int, text string) egress.Reply {
		return egress.Reply{Status: status, StatusText: http.StatusText(status), URL: req.URL, Body: []byte(text)}
	}
	switch {
	case req.Method != http.MethodPost:
		return answer(http.StatusMethodNotAllowed, "a language model is asked by POST")
	case s.config.LLMURL == "":
		return answer(http.StatusNotFound, "no language model is configured here; start charmd with --llm-url")
	}
	failed := func(err error) egress.Reply {
		s.unanswered.Warn("the language model could not be asked", "charm", p.Space+"/"+p.Charm, "err", err)
		return answer(http.StatusBadGateway, "the language model could not be asked; charmd's log says why")
	}
	to, err := url.Parse(s.config.LLMURL)
	if err != nil {
		return failed(err)
	}
	// The charm asks, as far as it is held against anybody; where is not its choice.
	asks := egress.Policy{Space: p.Space, Charm: p.Charm, Ours: true, AllowHosts: []string{to.Host}}
	got, _, err := s.egress.Do(ctx, asks, egress.Request{
		Method: http.MethodPost, URL: s.config.LLMURL, Body: req.Body, Headers: [][2]string{{"content-type", "application/json"}},
	})
	if err != nil {
		return failed(err)
	}
	reply := answer(got.Status, string(got.Body))
	reply.Headers = only(got.Headers, "content-type")
	return reply
}
