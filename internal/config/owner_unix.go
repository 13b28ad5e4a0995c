//go:build unix

package config

import (
	"os"
	"syscall"
)

func ownerOf(info os.FileInfo) (of owner, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return owner{}, false
	}
	return owner{int(stat.Uid), int(stat.Gid)}, true
}
