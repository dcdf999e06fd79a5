package service

import (
	"os"
	"strconv"
	"strings"

	"charmd/internal/charm"
	"charmd/internal/store/sqlite"
)

// crashAt makes the store's hook that ends this process, without a word to
// anybody, at a point of one of its transactions: "committing:17". Only so can a
// test place a crash exactly. It is nil for "".
func crashAt(place string) (func(sqlite.Point) error, error) {
	if place == "" {
		return nil, nil
	}
	name, number, _ := strings.Cut(place, ":")
	point, known := map[string]sqlite.Point{"beginning": sqlite.Beginning, "committing": sqlite.Committing, "committed": sqlite.Committed}[name]
	left, err := strconv.Atoi(number)
	if !known || err != nil || left < 1 {
		return nil, charm.Errorf(charm.CodeUsage, "CHARMD_CRASH_AT is %q: it takes a point and a number, like committing:17", place)
	}
	return func(p sqlite.Point) error { // called by the writer alone
		if p != point {
			return nil
		}
		if left--; left > 0 {
			return nil
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			return err
		}
		select {} // nothing is done any more, though the signal may take a moment
	}, nil
}
