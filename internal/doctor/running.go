package doctor

import (
	"context"

	"charmd/internal/disk"
	"charmd/internal/pool"
	"charmd/internal/queue"
	"charmd/internal/store"
)

// Service is the parts of a running service that are looked at.
type Service struct {
	Store    store.Store
	Queue    *queue.Queue
	Pool     *pool.Pool
	Lack     disk.Lack // what it has too little room for
	NotReady []string  // what else it says of itself
	TLS      []string  // what a person should see to of its certificate
}

// Running looks at a service from within, beside its work.
func (p *Patient) Running(ctx context.Context, s Service) []Problem {
	p.lack = &s.Lack
	found := p.Files()
	for _, why := range s.NotReady {
		found = append(found, Problem{NotReady, "charmd can start nothing now: " + why, "charmd goes on by itself when that is over; its log says more"})
	}
	for _, what := range s.TLS {
		found = append(found, Problem{Certificate, what, renew})
	}
	lines, err := s.Store.Check(ctx)
	switch {
	case err != nil:
		found = append(found, Of(Database, err))
	case len(lines) > 0:
		found = append(found, damaged(p.database(), lines, "stop charmd, then: "+repairFix))
	}
	breaches, err := s.Queue.Breaches(ctx)
	if err != nil {
		found = append(found, Of(Database, err))
	}
	found = append(found, breached(breaches, "charmd mends it by itself within a minute; if it stays, the log says why")...)
	err = s.Store.View(ctx, func(r store.Reader) error {
		more, err := p.contents(r)
		found = append(found, more...)
		return err
	})
	if err != nil {
		found = append(found, Of(Database, err))
	}
	return append(found, worker(ctx, s.Pool)...)
}
