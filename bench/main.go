// Command bench measures charmd on the machine it runs on. It exists so that
// every figure in docs/benchmarks.md can be made again by one command:
//
//	go run ./bench NAME [--json]
//
// It prints a table, or one JSON object whose field names carry their units.
// Absolute figures of different machines, or of different days on a shared one,
// say little; ratios of one call do.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"charmd/internal/cli"
	"charmd/internal/worker"
)

// benchmark measures one thing.
type benchmark struct {
	name string
	what string
	run  func(settings) (report, error)
}

var benchmarks = []benchmark{
	{"memory", "the memory server: transactions and queries a second, effects, memory of a connection", benchMemory},
	{"recipes", "runs of large feeds, mail imports and lists: time, documents loaded, bytes committed", benchRecipes},
	{"pages", "charms' pages: event to painted, what is sent, what open pages cost the background", benchPages},
	{"runs", "committed counter runs: throughput, latency, memory, nothing lost", benchRuns},
	{"sandbox", "the walls around a worker: what they cost a start, and a run", benchSandbox},
	{"schedule", "lateness and shares below and above what the service can do", benchSchedule},
	{"store", "the database that many runs of one counter leave: its size", benchStore},
}

// report is what a benchmark found, in the order it is printed.
type report []figure

type figure struct {
	Name  string
	Value any
}

// daemonCommand makes this program a charmd, so that what is measured is a
// process of its own that differs in nothing.
const daemonCommand = "charmd"

func main() {
	if worker.Wanted() {
		worker.Main()
	}
	if len(os.Args) > 3 && os.Args[1] == behind {
		if err := runBehind(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 1 && os.Args[1] == daemonCommand {
		os.Exit(cli.Main(os.Args[2:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	}
	if err := bench(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(args []string) error {
	name := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	s := settings{}
	asJSON := flags.Bool("json", false, "print one JSON object")
	flags.DurationVar(&s.overload, "overload", 3*time.Minute, "how long the service is overloaded (schedule)")
	flags.DurationVar(&s.window, "window", defaultWindow, "how long each throughput is measured")
	flags.IntVar(&s.runs, "runs", defaultRuns, "how often the counter of store runs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	i := slices.IndexFunc(benchmarks, func(b benchmark) bool { return b.name == name })
	if i < 0 {
		for _, b := range benchmarks {
			fmt.Fprintf(os.Stderr, "  %-8s %s\n", b.name, b.what)
		}
		return fmt.Errorf("usage: go run ./bench NAME [--json]; NAME is one of the above")
	}
	r, err := benchmarks[i].run(s)
	if err != nil {
		return err
	}
	if *asJSON {
		return r.writeJSON()
	}
	return r.writeTable()
}

func (r report) writeJSON() error {
	var b strings.Builder
	b.WriteByte('{')
	for i, f := range r {
		value, err := json.Marshal(f.Value)
		if err != nil {
			return err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", f.Name, value)
	}
	b.WriteByte('}')
	_, err := fmt.Println(b.String())
	return err
}

func (r report) writeTable() error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, f := range r {
		fmt.Fprintf(w, "%s\t%v\n", f.Name, f.Value)
	}
	return w.Flush()
}
