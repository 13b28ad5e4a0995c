//go:build unix

package doctor

import "golang.org/x/sys/unix"

// access reports whether this user may make files in the folder.
func access(folder string) error { return unix.Access(folder, unix.W_OK|unix.X_OK) }
