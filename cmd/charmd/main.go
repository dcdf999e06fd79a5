// Command charmd runs charms in the background. The same executable is the
// command line, the service and, started by it, its worker processes.
package main

import (
	"os"

	"charmd/internal/cli"
	"charmd/internal/worker"
)

func main() {
	if worker.Wanted() {
		worker.Main()
		return
	}
	os.Exit(cli.Main(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
