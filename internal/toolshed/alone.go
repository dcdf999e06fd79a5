package toolshed

import "charmd/internal/charm"

// runsNothing is the answer to who wants a charm to run at a toolshed alone.
func runsNothing() error {
	return charm.Errorf(charm.CodeUnavailable, "this is a toolshed alone: no charms run here").
		WithHint("start a service on this data with: charmd start")
}
