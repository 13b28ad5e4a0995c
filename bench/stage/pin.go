package stage

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pin keeps this process, and what it starts from now on, on one core.
func Pin(core int) error {
	var set unix.CPUSet
	set.Set(core)
	runtime.GOMAXPROCS(1)
	for range 2 { // a thread that is begun meanwhile inherits from the one that begins it
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("pin to core %d: %w", core, err)
		}
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil {
				return fmt.Errorf("pin to core %d: %w", core, err)
			}
			if err := unix.SchedSetaffinity(tid, &set); err != nil && err != unix.ESRCH {
				return fmt.Errorf("pin to core %d: %w", core, err)
			}
		}
	}
	return nil
}
