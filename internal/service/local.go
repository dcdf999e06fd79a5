package service

import (
	"context"
	"net/http"
	"net/url"

	"charmd/internal/egress"
)

// modelPath is where recipes find the toolshed's language model.
const modelPath = "/api/ai/llm"

// local answers requests of recipes to the toolshed itself, in process: the language
// model, and what else the rights of the charm's space reach.
func (s *Service) local(ctx context.Context, p egress.Policy, req egress.Request) (egress.Reply, bool) {
	if u, err := url.Parse(req.URL); err == nil && u.Path == modelPath {
		return s.askModel(ctx, req), true
	}
	return s.toolshed.Local(ctx, p.Space, req)
}

// askModel passes a question on to the service that the configuration names, which
// may be a private one. That there is none is no failure of anybody.
func (s *Service) askModel(ctx context.Context, req egress.Request) egress.Reply {
	if s.config.LLMURL == "" {
		return egress.Reply{Status: http.StatusNotFound, URL: req.URL, Body: []byte("no language model is configured here; start charmd with --llm-url")}
	}
	to, err := url.Parse(s.config.LLMURL)
	if err != nil {
		return egress.Reply{Status: http.StatusInternalServerError, URL: req.URL, Body: []byte("--llm-url: " + err.Error())}
	}
	reply, _, err := s.egress.Do(ctx, egress.Policy{AllowHosts: []string{to.Host}}, egress.Request{
		Method: req.Method, URL: s.config.LLMURL, Body: req.Body, Headers: [][2]string{{"content-type", "application/json"}},
	})
	if err != nil {
		return egress.Reply{Status: http.StatusBadGateway, URL: req.URL, Body: []byte(err.Error())}
	}
	return reply
}
