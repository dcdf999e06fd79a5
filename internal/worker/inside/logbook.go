package inside

import (
	"strings"
	"sync"
	"time"

	"charmd/internal/charm"
	"charmd/internal/wire"
)

const (
	flushAfter = 100 * time.Millisecond // so that the lines of a run that is killed are kept
	logCutText = "… log cut at 64 KiB"
	lineBytes  = 32 // what a line costs beside its text
)

// logbook collects the console lines of a run, up to its limit, and passes them
// on.
type logbook struct {
	to   func([]wire.LogLine) // nil when the lines are kept until they are taken
	mu   sync.Mutex           // also held while lines are passed on, so that they stay in order
	open []wire.LogLine
	size int
	full bool
	wake *time.Timer
}

func newLogbook(to func([]wire.LogLine)) *logbook { return &logbook{to: to} }

// add takes one console call.
func (l *logbook) add(at float64, level, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return
	}
	l.put(wire.LogLine{At: int64(at), Level: level, Text: strings.ToValidUTF8(text, "\uFFFD")})
	if l.to != nil && l.wake == nil && len(l.open) > 0 {
		l.wake = time.AfterFunc(flushAfter, l.flush)
	}
}

// put keeps a line if there is room, with mu held.
func (l *logbook) put(line wire.LogLine) {
	if l.full {
		return
	}
	room := charm.MaxLogBytes - l.size - lineBytes
	if len(line.Text) > room {
		line.Text = strings.ToValidUTF8(line.Text[:max(room, 0)], "")
		l.full = true
		l.open = append(l.open, line, wire.LogLine{At: line.At, Level: "warn", Text: logCutText})
		return
	}
	l.size += len(line.Text) + lineBytes
	l.open = append(l.open, line)
}

// again repeats lines that were printed before.
func (l *logbook) again(lines []wire.LogLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines {
		l.put(line)
	}
}

// take is the lines that were not passed on, which they then never are.
func (l *logbook) take() []wire.LogLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.open
	l.open = nil
	return lines
}

// flush passes on what there is.
func (l *logbook) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wake != nil {
		l.wake.Stop()
		l.wake = nil
	}
	if l.to != nil && len(l.open) > 0 {
		l.to(l.open)
		l.open = nil
	}
}
