package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	largestFile = 1 << 20 // bytes; a real configuration has a few thousand
	deepest     = 16      // nested values; the contract needs 5
)

// readFile reads a file that must be regular: a directory has no bytes, and a pipe or device may never end.
func readFile(path string, largest int64) ([]byte, os.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil, errors.New("does not exist")
	case errors.Is(err, os.ErrPermission):
		return nil, nil, errors.New("may not be read by this user")
	case err != nil:
		return nil, nil, errors.New("cannot be read")
	case info.IsDir():
		return nil, nil, errors.New("is a directory; name a file")
	case !info.Mode().IsRegular():
		return nil, nil, errors.New("is not a regular file")
	case info.Size() > largest:
		return nil, nil, fmt.Errorf("is larger than %d KiB", largest>>10)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, errors.New("may not be read by this user")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err != nil || int64(len(data)) > largest {
		return nil, nil, errors.New("cannot be read whole")
	}
	return data, info, nil
}

// parseYAML returns the one document in data, nil when there is nothing in it. Errors carry the line, never the text: the
// line may hold a secret.
func parseYAML(data []byte) (*yaml.Node, *syntaxError) {
	if at := invalidUTF8(data); at > 0 {
		return nil, &syntaxError{at, "is not UTF-8 text: save the file as UTF-8"}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, describeSyntax(data, err)
	}
	if err := decoder.Decode(&more); err == nil {
		return nil, &syntaxError{more.Line, "a second document (---) begins here; there may be only one"}
	} else if !errors.Is(err, io.EOF) {
		return nil, describeSyntax(data, err)
	}
	if root := doc.Content[0]; root.Tag != "!!null" || root.Value != "" {
		return root, nil
	}
	return nil, nil
}

// syntaxError is why a text is no YAML; line is 0 where it cannot be told.
type syntaxError struct {
	line int
	text string
}

var (
	yamlLine      = regexp.MustCompile(`^yaml: line (\d+): `)
	unknownAnchor = regexp.MustCompile(`^yaml: unknown anchor '(.*)' referenced`)
	quotedInErr   = regexp.MustCompile("'[^']{2,}'|`[^`]*`")
)

func describeSyntax(data []byte, err error) *syntaxError {
	text := err.Error()
	if m := unknownAnchor.FindStringSubmatch(text); m != nil {
		before, _, _ := bytes.Cut(data, []byte("*"+m[1]))
		return &syntaxError{1 + bytes.Count(before, []byte("\n")), "a value begins with * and names nothing (a YAML alias); put such a value in quotes"}
	}
	line := 0
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	if tab := tabIndent(data, line); tab > 0 {
		return &syntaxError{tab, "a tab indents this line; YAML allows only spaces"}
	}
	text = quotedInErr.ReplaceAllString(strings.TrimPrefix(text, "yaml: "), "…")
	return &syntaxError{line, "is no YAML: " + text}
}

// tabIndent returns the first line that a tab indents, from one before the given line on, as the parser stops late or early.
func tabIndent(data []byte, near int) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
		if bytes.ContainsRune(indent, '\t') && i+1 >= near-1 && i+1 <= near+1 {
			return i + 1
		}
	}
	return 0
}

// invalidUTF8 returns the first line, from 1, with bytes that are no UTF-8, or 0. UTF-16 is refused with it.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return 0
	}
	for i, line := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(line) {
			return i + 1
		}
	}
	return 0
}
