package portal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"strconv"

	"coatcheck/proxy/problem"
)

const maxLogo = 1 << 20 // bytes

// assets are the files and templates of the pages.
type assets struct {
	byPath                    map[string]asset
	style, script, mark, logo string // paths; logo is empty without one
	pages                     map[string]*template.Template
}

// asset is a file under a name that holds its hash, so that it never changes.
type asset struct {
	contentType string
	body        []byte
}

func (p *Portal) setAssets() (err error) {
	script, err1 := p.look.File("script.js")
	mark, err2 := p.look.File("mark.svg")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	p.assets.byPath = map[string]asset{}
	p.assets.style = p.addAsset("style", ".css", asset{"text/css; charset=utf-8", []byte(p.look.Style)})
	p.assets.script = p.addAsset("script", ".js", asset{"text/javascript; charset=utf-8", script})
	p.assets.mark = p.addAsset("mark", ".svg", asset{"image/svg+xml", mark})
	if err := p.setLogo(); err != nil {
		return err
	}
	p.assets.pages, err = p.parsePages()
	return errors.Join(err, problem.Check(p.look))
}

func (p *Portal) setLogo() error {
	if len(p.opts.Logo) == 0 {
		return nil
	}
	contentType, err := logoType(p.opts.Logo)
	if err != nil {
		return err
	}
	p.assets.logo = p.addAsset("logo", "", asset{contentType, p.opts.Logo})
	return nil
}

func (p *Portal) addAsset(name, extension string, a asset) string {
	sum := sha256.Sum256(a.body)
	path := p.opts.Prefix + "/static/" + name + "." + hex.EncodeToString(sum[:8]) + extension
	p.assets.byPath[path] = a
	return path
}

func logoType(data []byte) (string, error) {
	if len(data) > maxLogo {
		return "", errors.New("logo: the file is larger than 1 MiB")
	}
	switch t := http.DetectContentType(data); t {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return t, nil
	}
	if bytes.Contains(data[:min(len(data), 4096)], []byte("<svg")) {
		return "image/svg+xml", nil
	}
	return "", errors.New("logo: the file is no SVG, PNG, JPEG, GIF or WebP image")
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// An SVG opened by itself is a document that could hold scripts.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'")
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // a client that left is seen by the access record
	}
}
