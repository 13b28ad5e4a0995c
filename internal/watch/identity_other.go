//go:build !unix

package watch

import "io/fs"

func identity(fs.FileInfo) string { return "" }
