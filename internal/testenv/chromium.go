package testenv

import "testing"

// Browser is an installed Chromium and how it is to be run.
type Browser struct {
	Path string
	// Flags are for chromedp.Flag, over chromedp.DefaultExecAllocatorOptions. Every host name leads to 127.0.0.1, so that a
	// test may use names of its own and the browser can reach nothing else.
	Flags map[string]any
	// Folder is the browser's profile, fresh and of this test.
	Folder string
}

// Chromium finds the browser.
func Chromium(t testing.TB) Browser {
	t.Helper()
	return Browser{
		Path:   need(t, "chromium", "chromium", "chromium-browser", "google-chrome"),
		Folder: t.TempDir(),
		Flags: map[string]any{
			"no-sandbox":               true, // its sandbox does not work for root
			"no-proxy-server":          true,
			"disable-component-update": true,
			"host-resolver-rules":      "MAP * 127.0.0.1",
		},
	}
}
