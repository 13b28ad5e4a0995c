package problem_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"coatcheck/proxy/facts"
	"coatcheck/proxy/problem"
)

func request(header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r.WithContext(facts.With(r.Context(), facts.Facts{RequestID: "id-0123456789abcdef"}))
}

func TestNavigation(t *testing.T) {
	const chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, c := range []struct {
		name   string
		header []string
		want   bool
	}{
		{"nothing said", nil, false},
		{"curl", []string{"Accept", "*/*"}, false},
		{"old browser", []string{"Accept", chrome}, true},
		{"type in capitals", []string{"Accept", "Text/HTML;q=1"}, true},
		{"second Accept line", []string{"Accept", "image/png", "Accept", "text/html"}, true},
		{"text/* is not named", []string{"Accept", "text/*"}, false},
		{"a type that only begins so", []string{"Accept", "text/html5"}, false},
		{"jQuery", []string{"Accept", chrome, "X-Requested-With", "XMLHttpRequest"}, false},
		{"navigate", []string{"Sec-Fetch-Mode", "navigate", "Accept", "*/*"}, true},
		{"navigate beats X-Requested-With", []string{"Sec-Fetch-Mode", "navigate", "X-Requested-With", "app"}, true},
		{"fetch with html", []string{"Sec-Fetch-Mode", "cors", "Accept", chrome}, false},
		{"websocket", []string{"Sec-Fetch-Mode", "websocket", "Accept", chrome}, false},
		{"two modes", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Mode", "cors", "Accept", chrome}, false},
		{"empty mode", []string{"Sec-Fetch-Mode", "", "Accept", chrome}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := problem.Navigation(request(c.header...)); got != c.want {
				t.Errorf("Navigation(%q) = %v, want %v", c.header, got, c.want)
			}
		})
	}
}

func TestWriteJSON_4_1_1(t *testing.T) {
	w := httptest.NewRecorder()
	problem.Write(w, request(), problem.Problem{
		Status: http.StatusServiceUnavailable, Detail: `it says "no" </script>`, RetryAfter: 1200 * time.Millisecond,
	})
	if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type = %q", got)
	}
	if got := w.Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After = %q, want whole seconds, rounded up: 2", got)
	}
	var got struct {
		Status    int
		Title     string
		Detail    string
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	if w.Code != 503 || got.Status != 503 || got.Title != "Not available right now" || got.RequestID != "id-0123456789abcdef" {
		t.Errorf("status %d, body %+v", w.Code, got)
	}
}

func TestWriteHTML_1_2_1(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Etag", `"old"`)
	w.Header().Set("Content-Length", "3")
	w.Header().Set("Set-Cookie", "kept=1")
	problem.Write(w, request("Accept", "text/html"), problem.Problem{
		Status: 403, Title: "<b>no</b>", Detail: `<script>alert(1)</script>`, Hint: "& so on",
		Link: "javascript:alert(1)", LinkText: `"><img>`,
	})
	body := w.Body.String()
	for _, hostile := range []string{"<b>no", "<script", "& so", "javascript:", "<img"} {
		if strings.Contains(body, hostile) {
			t.Errorf("page holds %q unescaped:\n%s", hostile, body)
		}
	}
	if !strings.Contains(body, "id-0123456789abcdef") {
		t.Errorf("page lacks the request id:\n%s", body)
	}
	if got := w.Header().Get("Etag"); got != "" {
		t.Errorf("Etag of another body stayed: %q", got)
	}
	if got := w.Header().Get("Set-Cookie"); got != "kept=1" {
		t.Errorf("Set-Cookie = %q, want it kept", got)
	}
}

func TestHeaders_3_4_3(t *testing.T) {
	for _, accept := range []string{"text/html", "*/*"} {
		w := httptest.NewRecorder()
		problem.Write(w, request("Accept", accept), problem.Problem{Status: 404})
		policy := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'sha256-", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: policy %q lacks %q", accept, policy, want)
			}
		}
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", accept, name, got, want)
			}
		}
	}
}

func TestHeadHasNoBody(t *testing.T) {
	r := request("Accept", "text/html")
	r.Method = http.MethodHead
	w := httptest.NewRecorder()
	problem.Write(w, r, problem.Problem{Status: 404})
	if w.Body.Len() != 0 || w.Header().Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d bytes of body, Content-Length %q", w.Body.Len(), w.Header().Get("Content-Length"))
	}
}
