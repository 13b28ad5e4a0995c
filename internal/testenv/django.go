package testenv

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const (
	python       = "/usr/bin/python3" // the distribution's, which has Django; not one that a PATH may name first
	probeTimeout = 5 * time.Second
)

//go:embed djangosite
var djangoFiles embed.FS

// DjangoSite is a Django project under gunicorn. Its pages (djangosite/urls.py):
//
//	/login /logout            Django's own views, with a CSRF token
//	/whoami                   JSON, see Whoami
//	/anonymous                does not touch the session
//	/set/KEY/VALUE /get/KEY /delete/KEY /flush /cycle /expiry/SECONDS   the session; /get answers 404 without such a key
//	/password-change          POST password, and keep=1 for update_session_auth_hash; for the user who is logged in
//	/create-user/NAME         POST password, email, group
//	/activate/NAME /deactivate/NAME
type DjangoSite struct {
	*Server
	URL         string // http://host:port
	Folder      string // of the project
	DatabaseURL string
	SecretKey   string
}

// Django starts a project, with its tables made by migrate.
func Django(t testing.TB, options DjangoOptions) *DjangoSite {
	t.Helper()
	needPython(t, map[string]string{"django": "python3-django", "gunicorn": "gunicorn"})
	needPython(t, options.modules())
	folder, err := newFolder(account{})
	if err != nil {
		t.Fatal(err)
	}
	options.complete(folder)
	token := newPassword()
	if err := writeProject(folder, options, token); err != nil {
		t.Fatal(err)
	}
	site := &DjangoSite{Folder: folder, DatabaseURL: options.DatabaseURL, SecretKey: options.SecretKey}
	site.Server = serve(t, func(port int) (program, error) { return gunicorn(folder, port, token), nil })
	site.URL = "http://" + site.Addr
	return site
}

// gunicorn has one worker process with threads, and so one place where Django's memory is.
func gunicorn(folder string, port int, token string) program {
	return program{name: "django", path: python, folder: folder, polite: syscall.SIGTERM, abrupt: syscall.SIGQUIT,
		args: []string{"-m", "gunicorn", "--bind", address(port), "--worker-class", "gthread", "--threads", "8",
			"--graceful-timeout", "5", "--worker-tmp-dir", folder, "--access-logfile", "-", "wsgi:application"},
		probe: func() error { return probeHTTP("http://" + address(port) + "/ready/" + token) }}
}

func probeHTTP(url string) error {
	client := http.Client{Timeout: probeTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		return fmt.Errorf("probe server: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("probe server: %s", res.Status)
	}
	return nil
}

func writeProject(folder string, options DjangoOptions, token string) error {
	files, err := fs.Sub(djangoFiles, "djangosite")
	if err != nil {
		return fmt.Errorf("read Django project: %w", err)
	}
	if err := os.CopyFS(folder, files); err != nil {
		return fmt.Errorf("write Django project: %w", err)
	}
	for name, text := range options.Files {
		if _, err := writeConfig(folder, name, text); err != nil {
			return err
		}
	}
	settings, err := options.settings(token)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "site.json"), settings, 0o600); err != nil {
		return fmt.Errorf("write settings of Django: %w", err)
	}
	return nil
}

// DjangoPython is the Python that has Django.
func DjangoPython(t testing.TB) string {
	t.Helper()
	needPython(t, map[string]string{"django": "python3-django"})
	return python
}

// needPython is need for modules of Python; the map names the package of each. It looks and does not import, which is ten
// times faster with Django.
func needPython(t testing.TB, modules map[string]string) {
	t.Helper()
	for module, packageName := range modules {
		_, err := run(program{name: "python3", path: python, folder: "/", args: []string{"-c",
			"import importlib.util, sys; sys.exit(importlib.util.find_spec('" + module + "') is None)"}})
		if err != nil {
			missing(t, fmt.Sprintf("%s has no module %s; install the package %s (scripts/test-packages does)", python, module, packageName))
		}
	}
}
