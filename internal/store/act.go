package store

import "strconv"

// LastActKey is the key of the value that names the last run of an act on a
// charm's page which another toolshed has applied and whose record was written
// here, also when retention has taken that. DeleteCharm takes it along.
func LastActKey(charm int64) string { return "pages.settled." + strconv.FormatInt(charm, 10) }
