//go:build !linux

package filestore

import (
	"errors"
	"os"
)

var errLinux = errors.New("session files can be changed on Linux only; choose another session.engine")

// exchange needs Linux: without an exchange of names a save cannot be refused when a logout came first.
func exchange(*os.File, string, string) error { return errLinux }

func tryLock(*os.File) (bool, error) { return false, errLinux }

func unlinked(*os.File) bool { return false }
