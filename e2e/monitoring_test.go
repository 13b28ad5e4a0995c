package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var metricName = regexp.MustCompile(`\b(?:coatcheck|process)_[a-z_]+[a-z]\b`)

// Every metric that the dashboard and the alert rules name is there, with that very name.
func TestMonitoringNamesMetrics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certificate(t, dir), ServerName: tlsName}, DisableKeepAlives: true}}
	dead, deadToo := "http://"+freeAddr(t), "http://"+freeAddr(t)
	p := serve(t, serveOptions{Config: fmt.Sprintf(`tls: {cert_file: %q, key_file: %q, http_listen: ""}
routes:
  - {path: /, upstream: %q}
  - {path: /open, access: public, upstream: [%q, %q]}
`, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), dead, dead, deadToo)})
	if got := p.metrics()[`coatcheck_upstream_healthy{upstream="`+dead+`"}`]; got != 1 {
		t.Errorf("nobody has been sent to the upstream yet: healthy is %v, want 1", got)
	}
	for _, path := range []string{"/", "/open"} { // what has labels is shown when it has happened once
		req, err := http.NewRequest(http.MethodGet, "https://"+p.publicAddress()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tlsName
		req.AddCookie(&http.Cookie{Name: "sessionid", Value: strings.Repeat("a", 32)})
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	soon(t, "the failed request is counted", func() bool { return slices.Contains(p.metricNames(), "coatcheck_upstream_errors_total") })
	names := p.metricNames()
	for _, file := range []string{"alerts.yaml", "alerts_test.yaml", "dashboard.json"} {
		text := readFile(t, filepath.Join("..", "deploy", "monitoring", file))
		for _, name := range metricName.FindAllString(text, -1) {
			base := strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count")
			if !slices.Contains(names, name) && !slices.Contains(names, base) {
				t.Errorf("%s: /metrics has no %s", file, name)
			}
		}
	}
	var dashboard struct{ Panels []struct{ Title string } }
	if err := json.Unmarshal([]byte(readFile(t, "../deploy/monitoring/dashboard.json")), &dashboard); err != nil || len(dashboard.Panels) < 10 {
		t.Errorf("dashboard: %v, %d panels", err, len(dashboard.Panels))
	}
}

// metricNames are the names of all metrics that are shown.
func (p *process) metricNames() []string {
	p.t.Helper()
	res, err := http.Get(p.Admin + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(readAll(p.t, res.Body)) {
		if fields := strings.Fields(line); len(fields) > 3 && fields[0] == "#" && fields[1] == "TYPE" {
			names = append(names, fields[2])
		}
	}
	return names
}

func TestAlertRules(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("promtool is not installed; scripts/test-packages installs it")
		}
		t.Skip("no promtool")
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		c := exec.Command(promtool, args...)
		c.Dir = filepath.Join("..", "deploy", "monitoring")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
