//go:build !linux

package filestore

import (
	"errors"
	"os"
)

// exchange needs Linux: without an exchange of names a save cannot be refused when a logout came first.
func exchange(*os.File, string, string) error {
	return errors.New("session files can be changed on Linux only; choose another session.engine")
}

func unlinked(*os.File) bool { return false }
