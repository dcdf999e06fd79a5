package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"charmd/internal/api"
	"charmd/internal/client"
	"charmd/internal/process"
)

// settings are the flags all benchmarks share.
type settings struct {
	overload time.Duration
	window   time.Duration // of a throughput
	runs     int           // of the counter in store
}

const defaultWindow = 5 * time.Second

// start starts this program as a charmd with the default number of workers.
func start(dir string) (*process.Daemon, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return process.Start(process.Options{Command: []string{exe, daemonCommand}, Dir: dir})
}

// counting counts and asks for the next run at once, so that there is always one due.
const counting = `import { cell, handler, recipe, getRecipeEnvironment } from "@commontools/builder";
const add = handler({}, { type: "object", properties: { value: { type: "number", default: 0, asCell: true } } }, (_e, s) => {
  s.value.set(s.value.get() + 1);
  getRecipeEnvironment().again();
});
export default recipe({ type: "object", properties: { value: { type: "number", default: 0 } } }, ({ value }) => ({ value, bgUpdater: add({ value }) }));
`

// calm counts once when it is asked to.
const calm = `import { handler, recipe } from "@commontools/builder";
const add = handler({}, { type: "object", properties: { value: { type: "number", default: 0, asCell: true } } }, (_e, s) => {
  s.value.set(s.value.get() + 1);
});
export default recipe({ type: "object", properties: { value: { type: "number", default: 0 } } }, ({ value }) => ({ value, bgUpdater: add({ value }) }));
`

func benchRuns(s settings) (report, error) {
	var r report
	limit, err := vmLimit(s.window)
	if err != nil {
		return nil, err
	}
	r = append(r, figure{"vm_limit_per_s", round(limit)})
	best, lost := 0.0, int64(0)
	for _, charms := range []int{1, 100, 500} {
		t, err := throughput(s, charms)
		if err != nil {
			return nil, fmt.Errorf("%d charms: %w", charms, err)
		}
		best, lost = max(best, t.perSecond), lost+t.lost
		r = append(r,
			figure{fmt.Sprintf("committed_per_s_%d_charms", charms), round(t.perSecond)},
			figure{fmt.Sprintf("service_cpu_us_per_run_%d_charms", charms), round(t.service)},
			figure{fmt.Sprintf("worker_cpu_us_per_run_%d_charms", charms), round(t.workers)},
			figure{fmt.Sprintf("pss_mb_%d_charms", charms), round(float64(t.pss) / (1 << 20))})
		if charms == 500 {
			r = append(r, figure{"pss_mb", round(float64(t.pss) / (1 << 20))})
		}
	}
	r = append(r, figure{"committed_per_s", round(best)}, figure{"ratio_to_vm_limit", round(best / limit)}, figure{"lost", lost})
	latency, err := latencies()
	if err != nil {
		return nil, err
	}
	return append(r, latency...), nil
}

func round(f float64) float64 { return float64(int64(f*100+0.5)) / 100 }

type throughputResult struct {
	perSecond        float64
	service, workers float64 // processor time that a run takes there, µs
	lost             int64
	pss              int64
}

// throughput is how many runs of counters are committed a second while there is
// always one due, and whether every one is in its cell afterwards.
func throughput(s settings, charms int) (t throughputResult, err error) {
	dir, err := os.MkdirTemp("", "charmd-bench-")
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := start(dir)
	if err != nil {
		return t, err
	}
	stopped := false
	defer func() {
		if !stopped {
			err = errors.Join(err, d.Stop())
		}
	}()
	ctx := context.Background()
	for i := range charms {
		if _, err := d.Client.Add(ctx, request(counting, fmt.Sprintf("bench-%d", i%10), fmt.Sprintf("counter-%d", i), "1s")); err != nil {
			return t, err
		}
	}
	first, err := d.Client.Status(ctx)
	if err != nil {
		return t, err
	}
	began, err := usedBy(d)
	if err != nil {
		return t, err
	}
	started := time.Now()
	time.Sleep(s.window)
	last, err := d.Client.Status(ctx)
	if err != nil {
		return t, err
	}
	runs := float64(last.TotalSuccesses - first.TotalSuccesses)
	t.perSecond = runs / time.Since(started).Seconds()
	ended, err := usedBy(d)
	if err != nil {
		return t, err
	}
	t.service = float64((ended.service - began.service).Microseconds()) / runs
	t.workers = float64((ended.workers - began.workers).Microseconds()) / runs
	if t.pss, err = d.PSS(); err != nil {
		return t, err
	}
	stopped = true
	if err := d.Stop(); err != nil {
		return t, err
	}
	t.lost, err = missing(dir)
	return t, err
}

// used is the processor time of a service and of its workers so far.
type used struct{ service, workers time.Duration }

func usedBy(d *process.Daemon) (u used, err error) {
	u.service, err = d.CPU()
	if err == nil {
		u.workers, err = d.WorkerCPU()
	}
	return u, err
}

func request(source, space, name, every string) api.AddRequest {
	return api.AddRequest{Entry: "counter.tsx", Files: map[string]string{"counter.tsx": source}, Space: space, Name: name, Every: every}
}

// missing starts the service on what a stopped one left, with nothing running,
// and compares each counter's cell with the runs that were recorded as ok.
func missing(dir string) (lost int64, err error) {
	d, err := start(dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	ctx := context.Background()
	list, err := d.Client.Charms(ctx, "")
	if err != nil {
		return 0, err
	}
	for _, c := range list {
		if c.Integration != "counter" {
			continue
		}
		ref := client.Ref{Space: c.Space, Charm: c.CharmID}
		if _, err := d.Client.Disable(ctx, ref, "counting"); err != nil {
			return 0, err
		}
		shown, err := settled(ctx, d.Client, ref)
		if err != nil {
			return 0, err
		}
		var result struct{ Value int64 }
		if err := json.Unmarshal(shown.Result, &result); err != nil {
			return 0, err
		}
		lost += shown.State.TotalSuccesses - result.Value
	}
	return lost, nil
}

// settled is the charm once no run of it is in flight any more.
func settled(ctx context.Context, c *client.Client, ref client.Ref) (api.Charm, error) {
	for {
		shown, err := c.Charm(ctx, ref)
		if err != nil || shown.Status != "running" {
			return shown, err
		}
		time.Sleep(time.Millisecond)
	}
}

// latencies are of a service with nothing else to do.
func latencies() (_ report, err error) {
	dir, err := os.MkdirTemp("", "charmd-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := start(dir)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	if _, err := d.Client.Add(ctx, request(calm, "bench", "calm", "1s")); err != nil {
		return nil, errors.Join(err, d.Stop())
	}
	ref := client.Ref{Space: "bench", Charm: "calm"}
	due, err := dueToDone(ctx, d.Client, ref)
	if err = errors.Join(err, d.Stop()); err != nil {
		return nil, err
	}
	var starts []float64
	for range 5 {
		ms, err := startToFirstRun(dir, ref)
		if err != nil {
			return nil, err
		}
		starts = append(starts, ms)
	}
	return report{{"start_to_first_run_ms", round(median(starts))}, {"due_to_done_p50_ms", round(due)}}, nil
}

// dueToDone is the median time from when a run was due to its record.
func dueToDone(ctx context.Context, c *client.Client, ref client.Ref) (float64, error) {
	time.Sleep(10 * time.Second)
	runs, err := c.RunsOf(ctx, ref, client.Query{Limit: 100})
	if err != nil {
		return 0, err
	}
	var late []float64
	for _, r := range runs {
		late = append(late, float64(r.EndedAt.Sub(r.DueAt).Microseconds())/1000)
	}
	return median(late), nil
}

func startToFirstRun(dir string, ref client.Ref) (ms float64, err error) {
	time.Sleep(1100 * time.Millisecond) // so that the charm is due
	started := time.Now()
	d, err := start(dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	for time.Since(started) < 20*time.Second {
		runs, err := d.Client.RunsOf(context.Background(), ref, client.Query{Limit: 20})
		if err != nil {
			return 0, err
		}
		for _, r := range slices.Backward(runs) {
			if r.StartedAt.After(started) {
				return float64(r.EndedAt.Sub(started).Microseconds()) / 1000, nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return 0, fmt.Errorf("no run within 20 s of the start; see %s", filepath.Join(dir, "log"))
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// cores is how many worker processes the limit of the VM is measured with.
func cores() int { return runtime.NumCPU() }
