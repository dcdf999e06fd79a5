package service

import (
	"context"
	"net/http"
	"net/url"

	"charmd/internal/egress"
)

// modelPath is where recipes find the toolshed's language model.
const modelPath = "/api/ai/llm"

// local answers requests of recipes to the toolshed itself, in process, with the
// rights of the charm's space.
func (s *Service) local(ctx context.Context, p egress.Policy, req egress.Request) (egress.Reply, bool) {
	if u, err := url.Parse(req.URL); err == nil && u.Path == modelPath {
		return s.askModel(ctx, p, req), true
	}
	return s.toolshed.Local(ctx, p.Space, req)
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
		s.modelFailed.Warn("the language model could not be asked", "charm", p.Space+"/"+p.Charm, "err", err)
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
	for _, h := range got.Headers {
		if h[0] == "content-type" {
			reply.Headers = append(reply.Headers, h)
		}
	}
	return reply
}
