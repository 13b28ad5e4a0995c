package upstream

import (
	"io"
	"net/http"
	"sync"
)

// newBody tells when an answer has ended: at its end, an error or Close, whichever is first. The body of switched protocols
// stays writable; it ends by Close alone.
func newBody(res *http.Response, watch *watch, ended func()) io.ReadCloser {
	b := &body{ReadCloser: res.Body, watch: watch, ended: ended}
	if conn, ok := res.Body.(io.ReadWriteCloser); ok && res.StatusCode == http.StatusSwitchingProtocols {
		return &tunnel{ReadWriteCloser: conn, body: b}
	}
	if res.Body == http.NoBody {
		b.end()
		return res.Body
	}
	return b
}

type body struct {
	io.ReadCloser
	watch *watch
	once  sync.Once
	ended func()
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	b.watch.begin()
	n, err := b.ReadCloser.Read(p)
	if err = b.watch.pause(err); err != nil {
		b.end()
	}
	return n, err
}

// Close implements [io.Closer].
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}

func (b *body) end() {
	b.once.Do(func() {
		b.watch.end()
		b.ended()
	})
}

// tunnel is the connection of switched protocols.
type tunnel struct {
	io.ReadWriteCloser
	body *body
}

// Close implements [io.Closer].
func (t *tunnel) Close() error { return t.body.Close() }

// CloseWrite ends one direction, for [net/http/httputil.ReverseProxy].
func (t *tunnel) CloseWrite() error {
	if half, ok := t.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return http.ErrNotSupported
}
