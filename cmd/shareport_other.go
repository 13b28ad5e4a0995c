//go:build !linux

package cmd

import (
	"errors"
	"syscall"
)

func sharePort(_, _ string, _ syscall.RawConn) error {
	return errors.New("reuse_port is for Linux; a port that is shared elsewhere is not shared out; remove it")
}
