// Coatcheck is an authenticating reverse proxy whose sessions are Django's.
package main

import (
	"context"
	"os"

	"coatcheck/cmd"
)

func main() {
	os.Exit(cmd.Run(context.Background(), cmd.Process{
		Args:    os.Args[1:],
		Environ: os.Environ(),
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
	}))
}
