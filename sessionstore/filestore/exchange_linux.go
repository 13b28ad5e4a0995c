package filestore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchange swaps the files a and b in dir in one step; it fails with fs.ErrNotExist when either is missing. The file system must know
// RENAME_EXCHANGE: ext4, xfs, btrfs, tmpfs, overlayfs and zfs do, NFS does not.
func exchange(dir *os.File, a, b string) error {
	fd := int(dir.Fd())
	if err := unix.Renameat2(fd, a, fd, b, unix.RENAME_EXCHANGE); err != nil {
		return &os.LinkError{Op: "exchange", Old: a, New: b, Err: err}
	}
	return nil
}

// tryLock locks f for this open file alone, until it is closed; false: somebody else has it.
func tryLock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// unlinked reports whether the directory was removed while it was open: no name leads to it any more.
func unlinked(dir *os.File) bool {
	var stat unix.Stat_t
	return unix.Fstat(int(dir.Fd()), &stat) == nil && stat.Nlink == 0
}
