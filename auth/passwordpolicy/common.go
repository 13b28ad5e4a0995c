package passwordpolicy

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
)

// The 20 000 passwords that Django ships (contrib/auth/common-passwords.txt.gz; BSD-3-Clause, see LICENSE-common-passwords), made by Royce
// Williams from published breaches: gist roycewilliams/281ce539915a947a23db17137d91aeb7. In lower case, one a line.
//
//go:embed common-passwords.txt.gz
var compressed []byte

func commonPasswords() (map[string]struct{}, error) {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	found := make(map[string]struct{}, 20000)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		found[string(bytes.TrimFunc(lines.Bytes(), isSpace))] = struct{}{}
	}
	return found, lines.Err()
}
