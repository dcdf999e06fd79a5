package service

import (
	"charmd/internal/charm"
	"charmd/internal/egress"
	"charmd/internal/observe"
	"charmd/internal/store/sqlite"
)

// The parts know nothing of metrics: they tell what happens, or are asked how
// they stand. Here what they tell is brought together with what counts it.

func (s *Service) storeOptions() (sqlite.Options, error) {
	crash, err := crashAt(s.config.CrashAt)
	return sqlite.Options{
		Logger: s.logger, Fatal: s.fatal, Faults: crash, Checkpointed: s.metrics.Checkpointed,
		Committed: func(c sqlite.Commit) { s.metrics.Committed(c.Members, c.Facts, c.Took, c.Err) },
	}, err
}

func (s *Service) requested(e egress.Entry) {
	s.metrics.Requested(string(e.Verdict), e.Status, e.BytesIn, e.BytesOut, e.Elapsed)
}

func (s *Service) ran(c charm.Charm, run charm.Run) { s.metrics.RunEnded(c.Integration, run) }

// countRecovered counts the runs that an unclean stop has ended.
func (s *Service) countRecovered() {
	for _, run := range s.recovered.Lost {
		if run.Charm == 0 {
			s.metrics.MaintenanceEnded(run)
			continue
		}
		standing, _ := s.queue.Standing(run.Charm)
		s.ran(standing.Charm, run)
	}
}

// snapshot is what is read at each scrape.
func (s *Service) snapshot() observe.Snapshot {
	census, depth, workers := s.manager.Census(), s.queue.Stats(s.now()), s.pool.Counts()
	database, log := s.files()
	accounts, ends := s.accountCounts(s.now())
	return observe.Snapshot{
		Version: s.config.Version, StartedAt: s.startedAt, Restarts: s.restarts(), NotReady: len(s.NotReady()),
		CertificateEnds: s.certificateEnds(),
		Charms:          census.ByStatus, DisabledBy: census.DisabledBy,
		HeldHosts: len(s.egress.Hosts()),
		Accounts:  accounts, AccountEnds: ends,
		Wire:         observe.WireCounts(s.wire.Counts()),
		Queue:        observe.QueueDepth(depth),
		Workers:      observe.WorkerCounts(workers),
		StoreHealthy: s.store.Health() == nil, DatabaseBytes: database, LogBytes: log,
	}
}
