package runcharm

import (
	"fmt"
	"strings"
	"time"

	"charmd/internal/charm"
	"charmd/internal/wire"
)

// runLog is the console output of one run, a line each with the run's clock and
// the level, capped.
type runLog struct {
	text strings.Builder
	full bool
	last int64 // the run's clock at the last line, ms since 1970
}

func (l *runLog) add(lines []wire.LogLine) {
	for _, line := range lines {
		l.last = line.At
		at := time.UnixMilli(line.At).UTC().Format("15:04:05.000")
		for part := range strings.SplitSeq(line.Text, "\n") {
			l.write(fmt.Sprintf("%s %-5s %s\n", at, line.Level, part))
		}
	}
}

func (l *runLog) write(s string) {
	const mark = "… log cut at 64 KiB\n"
	if l.full {
		return
	}
	if l.text.Len()+len(s)+len(mark) > charm.MaxLogBytes {
		l.full = true
		s = mark
	}
	l.text.WriteString(s)
}

func (l *runLog) String() string { return l.text.String() }
