//go:build unix

package filestore

import (
	"errors"
	"io/fs"
	"syscall"
)

func inodeOf(info fs.FileInfo) (uint64, error) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, errors.New("the file system tells no inode")
	}
	return stat.Ino, nil
}
