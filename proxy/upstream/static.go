package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// StaticEndings are those of what pages consist of besides scripts. What an application keeps for itself ends otherwise: sources, settings,
// databases, logs, backups.
func StaticEndings() []string {
	return []string{"css", "js", "mjs", "map", "wasm", "png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico", "bmp", "woff", "woff2", "ttf", "otf", "eot",
		"mp3", "mp4", "m4a", "ogg", "ogv", "wav", "webm", "pdf", "html", "htm", "webmanifest"}
}

// static finds the file that a request for a path means. False: none, and the path is the application's. Never are that dotfiles (.htaccess,
// .git), names that end otherwise than in StaticEndings, what only a symbolic link out of Root leads to, and anything but a regular file.
func (f *FastCGI) static(r *http.Request) (*os.File, fs.FileInfo, bool) {
	if !f.Static || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, nil, false
	}
	name, err := decodedPath(r.URL)
	if err != nil || !f.servable(name) {
		return nil, nil, false
	}
	root, err := os.OpenRoot(f.Root + "/")
	if err != nil {
		return nil, nil, false
	}
	defer root.Close()
	file, err := root.OpenFile(name[1:], os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would not open until somebody writes
	if err != nil {
		return nil, nil, false
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, nil, false
	}
	return file, info, true
}

// servable looks at a decoded path alone. One that names a script anywhere is the script's.
func (f *FastCGI) servable(name string) bool {
	if strings.Contains(name, "//") || strings.Contains(name, `\`) {
		return false
	}
	for segment := range strings.SplitSeq(name[1:], "/") {
		if segment == "" || strings.HasPrefix(segment, ".") || isScript(strings.ToLower(segment)) {
			return false
		}
	}
	ending := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	return ending != "" && slices.Contains(f.StaticEndings, ending)
}

// serveFile is the answer that [http.ServeContent] gives: validators, conditions, one range. Of several ranges it gives the whole file, as RFC 9110
// 14.2 allows.
func serveFile(r *http.Request, file *os.File, info fs.FileInfo) (*http.Response, error) {
	asked := r.Clone(r.Context())
	if strings.Contains(r.Header.Get("Range"), ",") {
		asked.Header.Del("Range")
	}
	w := &fileAnswer{header: http.Header{"X-Content-Type-Options": {"nosniff"}}, status: http.StatusOK}
	w.header.Set("Etag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	http.ServeContent(w, asked, info.Name(), info.ModTime(), file)
	body := io.Reader(&w.text)
	if w.content != nil {
		body = w.content
	}
	res := &http.Response{StatusCode: w.status, Status: fmt.Sprintf("%03d %s", w.status, http.StatusText(w.status)), Header: w.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Request: r, Body: readCloser{body, file}}
	if n, ok := w.length(); ok {
		res.ContentLength = n
	}
	if r.Method == http.MethodHead || w.status == http.StatusNotModified {
		res.Body = http.NoBody
		return res, file.Close()
	}
	return res, nil
}

// fileAnswer takes down what a handler answers. The content is not read: it is left to whoever reads the response.
type fileAnswer struct {
	header  http.Header
	status  int
	text    bytes.Buffer
	content io.Reader
}

func (w *fileAnswer) Header() http.Header         { return w.header }
func (w *fileAnswer) WriteHeader(status int)      { w.status = status }
func (w *fileAnswer) Write(p []byte) (int, error) { return w.text.Write(p) }

// errLater stops the copying before it begins.
var errLater = errors.New("the content is read later")

// ReadFrom implements [io.ReaderFrom], which io.Copy prefers to reading by itself.
func (w *fileAnswer) ReadFrom(content io.Reader) (int64, error) {
	w.content = content
	return 0, errLater
}

func (w *fileAnswer) length() (int64, bool) {
	told := w.header.Get("Content-Length")
	if told == "" {
		return int64(w.text.Len()), w.content == nil
	}
	n, err := strconv.ParseInt(told, 10, 64)
	return n, err == nil
}
