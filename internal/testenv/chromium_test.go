package testenv_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"coatcheck/internal/testenv"

	"github.com/chromedp/chromedp"
)

func TestChromium(t *testing.T) {
	browser := testenv.Chromium(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<title>hello</title><p id=host>%s</p>", r.Host)
	}))
	defer server.Close()

	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser.Path), chromedp.UserDataDir(browser.Folder))
	for name, value := range browser.Flags {
		options = append(options, chromedp.Flag(name, value))
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	defer stop()
	tab, closeTab := chromedp.NewContext(allocator)
	defer closeTab()
	defer chromedp.Cancel(tab) // waits for the browser's end

	named := strings.Replace(server.URL, "127.0.0.1", "app.example.test", 1) // no resolver is asked
	if err := chromedp.Do(tab, chromedp.Navigate(named)); err != nil {
		t.Fatal(err)
	}
	host, err := chromedp.Run(tab, chromedp.Text("#host"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(host, "app.example.test:") {
		t.Errorf("host = %q, want app.example.test", host)
	}
}
