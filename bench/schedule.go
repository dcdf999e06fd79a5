package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"charmd/internal/api"
	"charmd/internal/charm"
	"charmd/internal/client"
	"charmd/internal/process"
)

// benchSchedule loads a service with more and with less than it can do, and with
// a large space beside a small one: who is late, who gets what, what is lost.
func benchSchedule(s settings) (report, error) {
	capacity, err := throughput(s, 100)
	if err != nil {
		return nil, err
	}
	r := report{{"capacity_per_s", round(capacity.perSecond)}}
	for _, part := range []func(settings, float64) (report, error){besideALargeSpace, under, over} {
		figures, err := part(s, capacity.perSecond)
		if err != nil {
			return nil, err
		}
		r = append(r, figures...)
	}
	return r, nil
}

// shares are how the charms of an overloaded service lie in five spaces: each
// has more due than a fifth of what can be run.
var shares = []float64{0.14, 0.16, 0.18, 0.22, 0.30}

// crowd is a service with calm counters that each run once a second, in spaces.
type crowd struct {
	*process.Daemon
	dir    string
	spaces map[string][]client.Ref
}

// gather starts a service and adds the charms of each space.
func gather(sizes map[string]int, source string) (_ *crowd, err error) {
	dir, err := os.MkdirTemp("", "charmd-bench-")
	if err != nil {
		return nil, err
	}
	c := &crowd{dir: dir, spaces: map[string][]client.Ref{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.end())
		}
	}()
	if c.Daemon, err = start(dir); err != nil {
		return nil, err
	}
	if _, err = c.Client.Pause(context.Background(), api.PauseRequest{All: true}); err != nil {
		return nil, err
	}
	for space, n := range sizes {
		for i := range n {
			added, err := c.Client.Add(context.Background(), request(source, space, fmt.Sprintf("%s-%d", space, i), "1s"))
			if err != nil {
				return nil, err
			}
			c.spaces[space] = append(c.spaces[space], client.Ref{Space: added.Space, Charm: added.CharmID})
		}
	}
	_, err = c.Client.Resume(context.Background(), api.PauseRequest{All: true})
	return c, err
}

func (c *crowd) end() error {
	var err error
	if c.Daemon != nil {
		err = c.Stop()
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}

// runs is how many runs of each charm have ended, by space.
func (c *crowd) runs() (map[string][]int64, error) {
	list, err := c.Client.Charms(context.Background(), "")
	counts := map[string][]int64{}
	for _, one := range list {
		if _, ours := c.spaces[one.SpaceName]; ours {
			counts[one.SpaceName] = append(counts[one.SpaceName], one.State.TotalSuccesses)
		}
	}
	return counts, err
}

// lateness is how long after they were due the newest runs of a charm started, ms.
func (c *crowd) lateness(ref client.Ref, since time.Time) ([]float64, error) {
	runs, err := c.Client.RunsOf(context.Background(), ref, client.Query{Limit: 200})
	var late []float64
	for _, r := range runs {
		if r.DueAt.After(since) && r.Reason == charm.Due {
			late = append(late, float64(r.StartedAt.Sub(r.DueAt).Microseconds())/1000)
		}
	}
	return late, err
}

func percentile(list []float64, p float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return round(list[min(int(float64(len(list))*p), len(list)-1)])
}

// besideALargeSpace has one space with 500 charms that are always due, and one
// with a single charm that runs each second.
func besideALargeSpace(s settings, _ float64) (_ report, err error) {
	c, err := gather(map[string]int{"large": 500}, counting)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	added, err := c.Client.Add(context.Background(), request(calm, "small", "one", "1s"))
	if err != nil {
		return nil, err
	}
	began := time.Now()
	time.Sleep(max(s.window, 30*time.Second))
	late, err := c.lateness(client.Ref{Space: added.Space, Charm: added.CharmID}, began)
	return report{{"beside_500_runs", len(late)}, {"beside_500_late_ms_p50", percentile(late, 0.5)}, {"beside_500_late_ms_most", percentile(late, 1)}}, err
}

// under offers seven tenths of what the service can do.
func under(s settings, capacity float64) (_ report, err error) {
	sizes := map[string]int{}
	for i := range shares {
		sizes[fmt.Sprintf("s%d", i)] = int(capacity * 0.7 / float64(len(shares)))
	}
	c, err := gather(sizes, calm)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	time.Sleep(5 * time.Second) // all were due at once
	began := time.Now()
	time.Sleep(max(s.window, 30*time.Second))
	var late []float64
	for _, refs := range c.spaces {
		for _, ref := range refs[:len(refs)/4] {
			l, err := c.lateness(ref, began)
			if err != nil {
				return nil, err
			}
			late = append(late, l...)
		}
	}
	return report{{"at_70_percent_late_ms_p50", percentile(late, 0.5)}, {"at_70_percent_late_ms_p99", percentile(late, 0.99)}, {"at_70_percent_runs_seen", len(late)}}, nil
}

// over offers one and a half times what the service can do.
func over(s settings, capacity float64) (_ report, err error) {
	sizes := map[string]int{}
	for i, share := range shares {
		sizes[fmt.Sprintf("s%d", i)] = int(capacity * 1.5 * share)
	}
	c, err := gather(sizes, calm)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	time.Sleep(5 * time.Second)
	before, err := c.runs()
	if err != nil {
		return nil, err
	}
	memory, err := c.PSS()
	if err != nil {
		return nil, err
	}
	task, err := c.Client.Maintenance(context.Background(), charm.Cleanup, true)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	time.Sleep(s.overload)
	after, err := c.runs()
	if err != nil {
		return nil, err
	}
	took := time.Since(began).Seconds()
	grown, err := c.PSS()
	if err != nil {
		return nil, err
	}
	r := report{
		{"at_150_percent_charms", sum(sizes)}, {"at_150_percent_s", round(took)},
		{"at_150_percent_maintenance_late_ms", task.Run.StartedAt.Sub(task.Run.DueAt).Milliseconds()},
		{"at_150_percent_pss_mb_before", round(float64(memory) / (1 << 20))}, {"at_150_percent_pss_mb_after", round(float64(grown) / (1 << 20))},
	}
	total, starved := 0.0, 0
	had := map[string]float64{}
	for space, counts := range after {
		slices.Sort(counts)
		for _, n := range counts {
			had[space] += float64(n)
		}
		for _, n := range before[space] {
			had[space] -= float64(n)
		}
		total += had[space]
		if counts[0] < int64(took/10) {
			starved++
		}
	}
	worst := 0.0
	for space, due := range fairShares(sizes, total/took) {
		worst = max(worst, abs(had[space]/took/due-1))
	}
	r = append(r, figure{"at_150_percent_per_s", round(total / took)}, figure{"at_150_percent_worst_share_off", round(worst)},
		figure{"at_150_percent_starved_spaces", starved})
	lost, err := c.lost()
	return append(r, figure{"at_150_percent_lost", lost}), err
}

// lost is how many runs that ended ok are not in their counters.
func (c *crowd) lost() (lost int64, err error) {
	ctx := context.Background()
	if _, err := c.Client.Pause(ctx, api.PauseRequest{All: true}); err != nil {
		return 0, err
	}
	for _, refs := range c.spaces {
		for _, ref := range refs {
			shown, err := settled(ctx, c.Client, ref)
			if err != nil {
				return 0, err
			}
			var result struct{ Value int64 }
			if err := json.Unmarshal(shown.Result, &result); err != nil {
				return 0, err
			}
			lost += shown.State.TotalSuccesses - result.Value
		}
	}
	return lost, nil
}

// fairShares divides what is run a second among the spaces evenly; what one has
// no use for, because each of its charms runs once a second, goes to the others.
func fairShares(sizes map[string]int, perSecond float64) map[string]float64 {
	order := slices.SortedFunc(maps.Keys(sizes), func(a, b string) int { return sizes[a] - sizes[b] })
	shares := map[string]float64{}
	for i, space := range order {
		shares[space] = min(perSecond/float64(len(order)-i), float64(sizes[space]))
		perSecond -= shares[space]
	}
	return shares
}

func sum(sizes map[string]int) (n int) {
	for _, size := range sizes {
		n += size
	}
	return n
}

func abs(f float64) float64 { return max(f, -f) }
