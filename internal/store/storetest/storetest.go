// Package storetest is the suite that every store.Store passes. It exists so
// that the rules of the seam are written down once, as tests, and a second
// database can be held to exactly what the service relies on.
package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"charmd/internal/charm"
	"charmd/internal/store"
)

// Open opens the store that is kept under a directory, an empty one at first.
// Opened again after Close it holds what it held.
type Open func(t testing.TB, dir string) store.Store

// Run runs the whole suite.
func Run(t *testing.T, open Open) {
	for _, part := range []struct {
		name string
		test func(*fixture)
	}{
		{"spaces", testSpaces},
		{"charms", testCharms},
		{"charm keys", testCharmKeys},
		{"states", testStates},
		{"deleting a charm", testDeleteCharm},
		{"jobs", testJobs},
		{"recipes", testRecipes},
		{"hosts", testHosts},
		{"contacts", testContacts},
		{"blobs", testBlobs},
		{"sign-ins", testSignIns},
		{"secrets", testSecrets},
		{"connections", testConnections},
		{"facts of a commit", testFactsAt},
		{"recordings", testRecordings},
		{"recipes of a charm", testRecasts},
		{"values", testValues},
		{"pauses", testPauses},
		{"texts", testTexts},
		{"problems", testProblems},
		{"notices", testNotices},
		{"tally", testTally},
		{"runs", testRuns},
		{"run filters", testRunFilters},
		{"facts", testFacts},
		{"facts of one commit", testFactsOfOneCommit},
		{"history", testHistory},
		{"heads", testHeads},
		{"many heads", testManyHeads},
		{"commits", testCommits},
		{"large values", testLargeValues},
		{"pruning facts by number", testPruneFactsByNumber},
		{"pruning facts by age", testPruneFactsByAge},
		{"pruning in steps", testPruneInSteps},
		{"keeping less than before", testKeepLess},
		{"pruning transactions", testPruneTransactions},
		{"pruning runs", testPruneRuns},
		{"figures", testStats},
		{"figures of minutes", testMinutes},
		{"figures of records that are gone", testStatsOutliveRuns},
		{"figures, each record once", testFoldOnce},
		{"programs no charm uses", testDropPrograms},
		{"compacting", testCompact},
		{"a failed member", testFailedMember},
		{"a panic", testPanic},
		{"a goroutine that ends", testGoexit},
		{"an error passed over", testConstraintPassedOver},
		{"after commit", testAfterCommit},
		{"many callers", testManyCallers},
		{"reading own writes", testReadOwnWrites},
		{"reading within a transaction", testWithin},
		{"snapshots", testSnapshot},
		{"cancelled contexts", testCancel},
		{"closing", testClose},
		{"closing waits", testCloseWaits},
		{"reopening", testReopen},
		{"size and health", testSizeAndHealth},
		{"model", testModel},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			f := &fixture{TB: t, dir: t.TempDir(), open: open}
			f.Store = open(t, f.dir)
			t.Cleanup(func() {
				if err := f.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			part.test(f)
		})
	}
}

// fixture is one store under test.
type fixture struct {
	testing.TB
	store.Store
	dir  string
	open Open
}

// reopen closes the store and opens it again.
func (f *fixture) reopen() {
	f.Helper()
	f.ok(f.Close())
	f.Store = f.open(f.TB, f.dir)
}

// ok ends the test when err is not nil.
func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// write runs fn in an Update that must succeed.
func (f *fixture) write(fn func(store.Tx) error) {
	f.Helper()
	f.ok(f.Update(f.Context(), fn))
}

// refused runs fn in an Update that must fail with an error like want.
func (f *fixture) refused(want error, fn func(store.Tx) error) {
	f.Helper()
	f.is(f.Update(f.Context(), fn), want)
}

// is compares an error with the one wanted, and a *charm.Error by its code.
func (f *fixture) is(err, want error) {
	f.Helper()
	if e, ok := errors.AsType[*charm.Error](want); ok {
		if charm.CodeOf(err) != e.Code {
			f.Fatalf("error %v with code %s, want code %s", err, charm.CodeOf(err), e.Code)
		}
		return
	}
	if !errors.Is(err, want) {
		f.Fatalf("error %v, want %v", err, want)
	}
}

// conflict stands for any error with that code.
var conflict = &charm.Error{Code: charm.CodeConflict}

// read returns what a method of the Reader answers.
func read[T any](f *fixture, method func(store.Reader) (T, error)) T {
	f.Helper()
	var v T
	f.ok(f.View(f.Context(), func(r store.Reader) (err error) {
		v, err = method(r)
		return err
	}))
	return v
}

// missing requires that a method of the Reader fails with an error like want.
func missing[T any](f *fixture, want error, method func(store.Reader) (T, error)) {
	f.Helper()
	f.is(f.View(f.Context(), func(r store.Reader) error {
		v, err := method(r)
		if err == nil {
			f.Errorf("got %+v, want an error", v)
		}
		return err
	}), want)
}

// equal compares what was read with what was written.
func (f *fixture) equal(got, want any) {
	f.Helper()
	if diff := difference(want, got); diff != "" {
		f.Fatalf("differs (-want +got):\n%s", diff)
	}
}

// difference tells values apart; "" when they are equal. Most are, and that is seen a
// hundred times faster than how they differ.
func difference(want, got any) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// complete requires that every field of a struct is set, so that a field that is
// added later cannot be forgotten by the store without a test that fails. Those that
// no store keeps are named.
func (f *fixture) complete(noun any, unkept ...string) {
	f.Helper()
	v := reflect.ValueOf(noun)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() != slices.Contains(unkept, name) {
			f.Errorf("the test leaves %T.%s unset, or sets it although it is not kept", noun, name)
		}
	}
}

// at is a time with the store's precision, n seconds into the test's history.
func at(n int) time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 7e6, time.UTC).Add(time.Duration(n) * time.Second)
}

// ref is a reference that differs for different parts.
func ref(parts ...any) (r [32]byte) {
	copy(r[:], fmt.Sprint(parts...))
	return r
}

// space stores a space and returns it.
func (f *fixture) space(name string) charm.Space {
	f.Helper()
	s := charm.Space{DID: "did:key:z6Mk" + name, Name: name, CreatedAt: at(0), Since: -1}
	f.write(func(tx store.Tx) (err error) {
		s.Row, err = tx.PutSpace(s)
		return err
	})
	return s
}

// charm stores a charm with nothing set but what it needs, and returns it.
func (f *fixture) charm(s charm.Space, name string) charm.Charm {
	f.Helper()
	c := charm.Charm{Space: s.DID, SpaceName: s.Name, ID: "baedrei" + name, Name: name, Recipe: "ba4jcb",
		Schedule: charm.Schedule{Every: time.Minute}, CreatedAt: at(0), UpdatedAt: at(0)}
	f.write(func(tx store.Tx) (err error) {
		c.Row, err = tx.PutCharm(c)
		return err
	})
	return c
}
