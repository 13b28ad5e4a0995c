// Cart is an application that keeps what it knows of a visitor in coatcheck's session. Standard library only.
//
//	PORT=3000 SESSION_API=http://127.0.0.1:9092 go run .
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"
)

func main() {
	api := cmp.Or(os.Getenv("SESSION_API"), "http://127.0.0.1:9092")
	client := &http.Client{Timeout: 10 * time.Second}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		cart, _, err := session{client, api, r}.get("cart")
		if err != nil {
			http.Error(w, "no session", http.StatusServiceUnavailable)
			return
		}
		text, _ := json.Marshal(append([]string{}, cart...))
		fmt.Fprintf(w, "user: %s\ncart: %s\n", cmp.Or(r.Header.Get("Remote-User"), "-"), text)
	})
	mux.HandleFunc("POST /add", func(w http.ResponseWriter, r *http.Request) {
		if err := (session{client, api, r}).add("cart", r.URL.Query().Get("item")); err != nil {
			http.Error(w, "no session", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther) // written before the answer begins: a new visitor gets the cookie with it
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "3000"), mux)) //nolint:gosec // an example behind a proxy
}

// session is the session of one request.
type session struct {
	client *http.Client
	api    string
	r      *http.Request
}

// call asks the session API; condition is a header and its value. Statuses from 400 on are errors, but for 404 and 412.
func (s session) call(ctx context.Context, method, name string, body []byte, condition ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.api+"/session/"+url.PathEscape(name), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.r.Header.Get("X-Session-Token"))
	if len(condition) == 2 {
		req.Header.Set(condition[0], condition[1])
	}
	res, err := s.client.Do(req)
	if err == nil && res.StatusCode >= 400 && res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusPreconditionFailed {
		_ = res.Body.Close()
		err = fmt.Errorf("session API: %s", res.Status)
	}
	return res, err
}

// get returns the list under name and its entity tag, "" if there is none.
func (s session) get(name string) (list []string, tag string, err error) {
	res, err := s.call(s.r.Context(), http.MethodGet, name, nil)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return nil, "", nil
	}
	err = json.NewDecoder(res.Body).Decode(&list)
	return list, res.Header.Get("Etag"), err
}

// add appends item to the list under name; again, if another request was faster.
func (s session) add(name, item string) error {
	for {
		list, tag, err := s.get(name)
		if err != nil {
			return err
		}
		condition := []string{"If-None-Match", "*"}
		if tag != "" {
			condition = []string{"If-Match", tag}
		}
		body, err := json.Marshal(append(list, item))
		if err != nil {
			return err
		}
		res, err := s.call(s.r.Context(), http.MethodPut, name, body, condition...)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusPreconditionFailed {
			return nil
		}
	}
}
