package main

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine is what the figures depend on.
type machine struct {
	date     time.Time
	cpu      string
	cores    int
	kernel   string
	load     string // average of the last minute, at the start
	versions []string
}

func thisMachine() machine {
	m := machine{date: time.Now().UTC(), cores: runtime.NumCPU(), cpu: cpuModel()}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.kernel = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.load, _, _ = strings.Cut(string(text), " ")
	}
	m.versions = versions()
	return m
}

// busy reports whether somebody else used the machine at the start.
func (m machine) busy() bool {
	load, err := strconv.ParseFloat(m.load, 64)
	return err == nil && load > 1
}

func cpuModel() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// versions asks each program in its own way; those that are not there are left out, as the report lists them.
func versions() []string {
	all := []string{"go: " + runtime.Version()}
	if out, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		all = append(all, "coatcheck: "+strings.TrimSpace(string(out)))
	}
	for _, ask := range [][]string{{"nginx", "-v"}, {"haproxy", "-v"}, {"caddy", "version"}, {"apache2", "-v"}, {"redis-server", "--version"}, {"memcached", "--version"}, {"mariadbd", "--version"}, {"psql", "--version"}} {
		path, err := find(ask[0])
		if err != nil {
			continue
		}
		out, err := exec.Command(path, ask[1:]...).CombinedOutput()
		if err != nil {
			continue
		}
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		all = append(all, ask[0]+": "+strings.TrimSpace(line))
	}
	return all
}
