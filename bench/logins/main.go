// Logins measures what a crowd of logins does to those who are logged in, and whether the time of a refused login tells why. It builds the
// binary, runs it on SQLite in a temporary folder, and prints Markdown: `go run ./bench/logins`.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"
)

// The goals.
const (
	goalP99    = 250 * time.Millisecond
	goalGrowth = 256 << 20 // bytes
	goalSpread = 0.05      // of medians
)

func main() {
	parallel := flag.Int("parallel", 64, "logins at a time")
	length := flag.Duration("for", 20*time.Second, "how long the crowd logs in")
	rounds := flag.Int("rounds", 30, "refused logins of each kind")
	flag.Parse()
	if err := run(*parallel, *length, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "logins:", err)
		os.Exit(1)
	}
}

func run(parallel int, length time.Duration, rounds int) error {
	dir, err := os.MkdirTemp("", "coatcheck-logins-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := build(dir)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d cores, %s.\n", runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	for _, format := range []string{"pbkdf2_sha256", "argon2"} {
		if err := crowd(binary, format, parallel, length); err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
	}
	return refusals(binary, rounds)
}
