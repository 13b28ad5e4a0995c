package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// cookieName is the default of session.cookie_name.
const cookieName = "sessionid"

// browser asks one proxy with one session cookie. Not safe for concurrent use.
type browser struct {
	client *http.Client
	base   string
	cookie string
}

func newBrowser(base, cookie string) *browser {
	return &browser{base: base, cookie: cookie, client: &http.Client{Transport: &http.Transport{}, Timeout: 15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (b *browser) close() { b.client.CloseIdleConnections() }

// ask sends a request and returns its status. A new cookie is taken, a deletion is not: a thief would go on with what he has.
func (b *browser) ask(ctx context.Context, method, path string, form url.Values) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header = http.Header{"Accept": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"cors"}, "Origin": {b.base},
		"Content-Type": {"application/x-www-form-urlencoded"}}
	if b.cookie != "" {
		req.Header.Set("Cookie", cookieName+"="+b.cookie)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	for _, c := range res.Cookies() {
		if c.Name == cookieName && c.MaxAge >= 0 && c.Value != "" {
			b.cookie = c.Value
		}
	}
	return res.StatusCode, err
}

func (b *browser) login(ctx context.Context) error {
	status, err := b.ask(ctx, http.MethodPost, "/.auth/login", url.Values{"username": {user}, "password": {password}})
	if err == nil && (status >= http.StatusBadRequest || b.cookie == "") {
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	return nil
}

// logout succeeds when the proxy has acknowledged it.
func (b *browser) logout(ctx context.Context) error {
	status, err := b.ask(ctx, http.MethodPost, "/.auth/logout", nil)
	if err == nil && status >= http.StatusBadRequest {
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	return nil
}

// write asks for the application, and so saves the session; read does not.
func (b *browser) write(ctx context.Context) (int, error) {
	return b.ask(ctx, http.MethodGet, "/", nil)
}

func (b *browser) read(ctx context.Context) (int, error) {
	return b.ask(ctx, http.MethodGet, "/.auth/session", nil)
}
