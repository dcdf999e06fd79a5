// Command charmd runs charms in the background.
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
