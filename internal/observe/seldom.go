package observe

import (
	"log/slog"
	"sync"
	"time"
)

// seldomly is how often a Seldom writes.
const seldomly = time.Minute

// Seldom warns of what strangers or charms bring about as often as they like: once a
// minute at most, and then of how often it was meanwhile. It is safe for concurrent use.
type Seldom struct {
	logger *slog.Logger

	mu      sync.Mutex
	next    time.Time
	omitted int // since the last record
}

// NewSeldom warns in logger.
func NewSeldom(logger *slog.Logger) *Seldom { return &Seldom{logger: logger} }

// Warn is the logger's, with the number of those left out before it as omitted.
func (s *Seldom) Warn(msg string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.next) {
		s.omitted++
		return
	}
	s.logger.With("omitted", s.omitted).Warn(msg, args...)
	s.next, s.omitted = now.Add(seldomly), 0
}
