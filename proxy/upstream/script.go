package upstream

import (
	"net/http"
	"net/url"
	"os"
	"strings"
)

const scriptSuffix = ".php"

// script is what a path means to a CGI application.
type script struct {
	name string // SCRIPT_NAME, with a leading slash; empty for a program at the root
	info string // PATH_INFO: empty, or with a leading slash
}

// script finds the script of a request by its path as it was sent; mount is what was taken off that path before.
func (f *FastCGI) script(u *url.URL, mount string) (script, error) {
	path, err := decodedPath(u)
	if err != nil {
		return script{}, err
	}
	if f.Script != "" {
		return script{mount, path}, nil
	}
	found, ok, err := split(path)
	if err != nil {
		return script{}, err
	}
	if !ok {
		return f.unnamed(path)
	}
	if f.Local && !f.isFile(found.name) {
		return script{}, notFound("there is no such script")
	}
	return found, nil
}

// unnamed finds the script for a path that names none.
func (f *FastCGI) unnamed(path string) (script, error) {
	if strings.HasSuffix(path, "/") {
		index := script{name: mergeSlashes(path) + f.Index}
		if f.Fallback == "" && !f.Local || f.Local && f.isFile(index.name) {
			return index, nil
		}
	}
	if f.Fallback == "" {
		return script{}, notFound("the path names no script")
	}
	return script{name: f.Fallback}, nil
}

func (f *FastCGI) isFile(name string) bool {
	info, err := os.Stat(f.Root + name)
	return err == nil && info.Mode().IsRegular()
}

// decodedPath refuses what could mean another file to the application than to the rules that let the request through.
func decodedPath(u *url.URL) (string, error) {
	raw := u.Opaque
	if raw == "" {
		raw = u.EscapedPath()
	}
	path, err := url.PathUnescape(raw)
	switch {
	case err != nil || !strings.HasPrefix(path, "/"):
		return "", badPath("the path cannot be decoded")
	case hasControls(path):
		return "", badPath("the path has control characters")
	}
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return "", badPath("the path has dot segments")
		}
	}
	return path, nil
}

// split cuts a path behind its first segment that ends in .php; ok tells whether there is one.
func split(path string) (found script, ok bool, err error) {
	for start := 1; start <= len(path); {
		end := len(path)
		if i := strings.IndexByte(path[start:], '/'); i >= 0 {
			end = start + i
		}
		if segment := path[start:end]; segment == scriptSuffix {
			return script{}, false, notFound("a script has a name")
		} else if isScript(segment) {
			return script{mergeSlashes(path[:end]), path[end:]}, true, nil
		}
		start = end + 1
	}
	return script{}, false, nil
}

func isScript(name string) bool {
	return strings.HasSuffix(name, scriptSuffix) && len(name) > len(scriptSuffix)
}

// mergeSlashes keeps applications from making links of the kind //name/, which name a host.
func mergeSlashes(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

func badPath(reason string) error  { return &RefusedError{http.StatusBadRequest, reason} }
func notFound(reason string) error { return &RefusedError{http.StatusNotFound, reason} }

func hasControls(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
