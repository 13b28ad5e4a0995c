package stage

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of times in /proc/PID/stat (proc(5)): USER_HZ, 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// stat is what we read of /proc/PID/stat.
type stat struct {
	parent int
	reaped time.Duration // user and system time of children that ended
}

// CPU is the time, user and system, that the process and its children have run, to the nanosecond for those that live.
func (p *Process) CPU() (time.Duration, error) {
	var total time.Duration
	err := p.each(func(pid int, s stat) error {
		var now unix.Timespec
		// The clock of another process, as clock_getcpuclockid(3) makes it; CPUCLOCK_SCHED is 2.
		if err := unix.ClockGettime(int32(^pid<<3|2), &now); err != nil {
			return fmt.Errorf("read CPU clock of %d: %w", pid, err)
		}
		total += time.Duration(now.Nano()) + s.reaped
		return nil
	})
	return total, err
}

// Memory is what the process has in RAM, in bytes. Of several processes the shared pages count once (PSS).
func (p *Process) Memory() (int64, error) {
	var total int64
	alone := true
	err := p.each(func(pid int, _ stat) error {
		if pid != p.PID() {
			alone = false
		}
		kilobytes, err := field("/proc/"+strconv.Itoa(pid)+"/smaps_rollup", "Pss:")
		total += kilobytes << 10
		return err
	})
	if err != nil || !alone {
		return total, err
	}
	kilobytes, err := field("/proc/"+strconv.Itoa(p.PID())+"/status", "VmRSS:")
	return kilobytes << 10, err
}

// each visits the process and its descendants.
func (p *Process) each(visit func(pid int, s stat) error) error {
	all, err := processes()
	if err != nil {
		return err
	}
	for pid, s := range all {
		for at := pid; at > 1; at = all[at].parent {
			if at == p.PID() {
				if err := visit(pid, s); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

func processes() (map[int]stat, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	all := make(map[int]stat, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return nil, fmt.Errorf("read process id: %w", err)
		}
		all[pid] = parseStat(string(text))
	}
	return all, nil
}

// parseStat reads fields 4, 16 and 17. The name, field 2, is in brackets and may hold anything.
func parseStat(text string) stat {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return stat{}
	}
	parent, _ := strconv.Atoi(fields[1])
	user, _ := strconv.ParseInt(fields[13], 10, 64)
	system, _ := strconv.ParseInt(fields[14], 10, 64)
	return stat{parent: parent, reaped: time.Duration(user+system) * tick}
}

// field finds the number behind a name in a file of lines.
func field(path, name string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) >= 2 && fields[0] == name {
			return strconv.ParseInt(fields[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("read memory: no %s in %s", name, path)
}
