package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"coatcheck/proxy/upstream/fastcgi"
)

const bufferBody = 1 << 20

// FastCGI is how requests become scripts.
//
// A path names a script by its first segment that ends in .php: what stands before is the script (SCRIPT_NAME, and below Root
// SCRIPT_FILENAME), what follows is PATH_INFO. A path that names none goes to Fallback, or to Index when it ends in a slash, or
// is a 404. The path is percent-decoded once, as every web server does. Never sent are paths with a segment "." or "..", with
// control characters (NUL ends names in C), and with a script called just ".php"; and never is anything but a .php file
// SCRIPT_FILENAME, so that an uploaded picture is not run. One trick is beyond what can be seen in a path:
// /uploads/picture.jpg/x.php, which PHP's cgi.fix_pathinfo turns into picture.jpg with the path info /x.php. PHP-FPM's
// security.limit_extensions (default: .php and .phar) refuses it; where that was widened, set Local, or cgi.fix_pathinfo=0.
type FastCGI struct {
	// Root is the document root as the application sees it, an absolute path. Required.
	Root string
	// Index is the script of a folder; empty: index.php.
	Index string
	// Fallback is the script, as a path below Root, for all paths that name none, as /index.php is for applications with a
	// front controller (WordPress permalinks, Symfony, Laravel). It finds the path in REQUEST_URI.
	Fallback string
	// Local says that Root is the same folder here: a script is then looked up first, and what is no file is not asked for.
	// A folder has its own Index before the Fallback.
	Local bool
	// Static serves files below Root that are no scripts, as web servers do, and implies Local; StaticEndings are those of their names, without the dot;
	// empty: [StaticEndings].
	Static        bool
	StaticEndings []string
	// Script is the one program for every path, its absolute path as the application sees it: a CGI program behind fcgiwrap. The path is its
	// PATH_INFO, behind what the route has stripped (see Mount), which is its SCRIPT_NAME.
	Script string
	// BufferBody is how large a request body of unknown length (chunked) may be, in bytes; 0: 1 MiB. It is held in memory,
	// since CGI has to be told the length first. A larger one is refused with 411.
	BufferBody int64
	// KeepAlive keeps connections open after an answer. Each occupies a worker of PHP-FPM: only for pools larger than MaxConns.
	KeepAlive bool
	// KeepAuthorization lets the client's Basic and Digest credentials through beside REMOTE_USER. PHP shows them as
	// PHP_AUTH_USER, which many an application believes without looking at the password.
	KeepAuthorization bool
	// User gives REMOTE_USER (RFC 3875 4.1.11) by the context of a request. It is the only source of that variable: no header of the
	// request can set it. Empty is nobody, and the variable is absent; nil: there are no users.
	User func(ctx context.Context) string
	// Mount gives what the route has stripped of a request's path: decoded, without a slash at its end. Nil: nothing.
	Mount func(ctx context.Context) string
	// Stderr gets what the application writes there, PHP's errors as a rule; nil drops it.
	Stderr func(ctx context.Context, text string)
}

// fcgi speaks FastCGI.
type fcgi struct {
	FastCGI
	client *fastcgi.Client
}

func newFastCGI(o Options, dial dialer) (*fcgi, error) {
	f := &fcgi{FastCGI: o.FastCGI}
	if !strings.HasPrefix(f.Root, "/") && !windowsPath(f.Root) {
		return nil, errors.New("FastCGI needs a root: the absolute path of the document root, as the application sees it")
	}
	f.Root = strings.TrimRight(f.Root, "/")
	if f.Index == "" {
		f.Index = "index.php"
	}
	if strings.ContainsAny(f.Index, "/\x00") || !isScript(f.Index) {
		return nil, fmt.Errorf("FastCGI index %q: give the name of a script, as in index.php", f.Index)
	}
	if f.Fallback != "" && (!strings.HasPrefix(f.Fallback, "/") || !isScript(f.Fallback)) {
		return nil, fmt.Errorf("FastCGI fallback %q: give the path of a script below the root, as in /index.php", f.Fallback)
	}
	if f.Script != "" && (!strings.HasPrefix(f.Script, "/") || f.Fallback != "" || f.Static) {
		return nil, fmt.Errorf("FastCGI script %q: give the absolute path of a program, without fallback and static", f.Script)
	}
	f.Local = f.Local || f.Static
	if len(f.StaticEndings) == 0 {
		f.StaticEndings = StaticEndings()
	}
	if f.User == nil {
		f.User = func(context.Context) string { return "" }
	}
	if f.Mount == nil {
		f.Mount = func(context.Context) string { return "" }
	}
	if f.BufferBody == 0 {
		f.BufferBody = bufferBody
	}
	f.client = fastcgi.New(fastcgi.Options{
		Dial: func(ctx context.Context) (net.Conn, error) { return dial(ctx) }, Stderr: f.Stderr,
		KeepAlive: f.KeepAlive, MaxIdle: maxIdle, IdleTimeout: o.IdleTimeout, HeaderTimeout: o.ResponseHeaderTimeout,
	})
	return f, nil
}

func windowsPath(p string) bool { return len(p) > 2 && p[1] == ':' && (p[2] == '/' || p[2] == '\\') }

// RoundTrip implements [http.RoundTripper].
func (f *fcgi) RoundTrip(r *http.Request) (*http.Response, error) {
	if file, info, ok := f.static(r); ok {
		closeBody(r)
		return serveFile(r, file, info)
	}
	params, err := f.params(r)
	if err == nil {
		r, err = f.measure(r)
	}
	if err != nil {
		closeBody(r)
		return nil, err
	}
	if r.ContentLength > 0 {
		params = append(params, fastcgi.Param{Name: "CONTENT_LENGTH", Value: fmt.Sprint(r.ContentLength)})
	}
	res, err := f.client.Do(r, params)
	var refused *fastcgi.RefusedError
	if errors.As(err, &refused) {
		return nil, fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return res, err
}

// measure reads a body of unknown length.
func (f *fcgi) measure(r *http.Request) (*http.Request, error) {
	if r.ContentLength >= 0 || r.Body == nil || r.Body == http.NoBody {
		return r, nil
	}
	content, err := io.ReadAll(io.LimitReader(r.Body, f.BufferBody+1))
	if err != nil {
		return r, fmt.Errorf("read body of the request: %w", err)
	}
	if int64(len(content)) > f.BufferBody {
		return r, &RefusedError{http.StatusLengthRequired, fmt.Sprintf("a body of unknown length has more than %d bytes", f.BufferBody)}
	}
	measured := r.WithContext(r.Context())
	measured.ContentLength = int64(len(content))
	measured.Body = readCloser{bytes.NewReader(content), r.Body}
	return measured, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// CloseIdleConnections ends the connections that are open without a request.
func (f *fcgi) CloseIdleConnections() { f.client.Close() }
