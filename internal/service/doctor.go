package service

import (
	"context"

	"charmd/internal/api"
	"charmd/internal/doctor"
)

// Doctor says what is wrong with charmd itself.
func (s *Service) Doctor(ctx context.Context) api.Diagnosis {
	p := doctor.Patient{Config: s.config, Now: s.now}
	found := p.Running(ctx, doctor.Service{Store: s.store, Queue: s.queue, Pool: s.pool, Lack: s.room.lacking(), NotReady: s.unwell(), TLS: s.certificateTrouble()})
	d := api.Diagnosis{Problems: []api.Finding{}}
	for _, f := range found {
		d.Problems = append(d.Problems, api.Finding{Code: string(f.Code), What: f.What, Fix: f.Fix})
	}
	return d
}
