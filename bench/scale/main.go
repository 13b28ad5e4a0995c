// Command scale says what a large fleet costs the store that tells it of changes: messages per second, memory, connections, on Redis and PostgreSQL. It computes; the
// few constants were measured on one machine and stand in constants.go. The same input gives the same output, which is bench/SCALE.md:
//
//	go run ./bench/scale >bench/SCALE.md
package main

import (
	"fmt"
	"os"
)

func main() {
	if _, err := fmt.Print(markdown(base())); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}
