// Package deploy tests what the files of its folders name: commands, keys, paths and ports of coatcheck.
package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"coatcheck/cmd"
	"coatcheck/internal/config"
)

// checkCommand fails unless the program has the command and its flags.
func checkCommand(t *testing.T, args []string) {
	t.Helper()
	var out bytes.Buffer
	if code := cmd.Run(t.Context(), cmd.Process{Args: append(slices.Clone(args), "--help"), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out}); code != 0 {
		t.Errorf("coatcheck %s: exit code %d\n%s", strings.Join(args, " "), code, &out)
	}
}

// checkVariables fails unless the COATCHECK_ variables are those of keys, and the file is a valid configuration beside them.
func checkVariables(t *testing.T, file string, names ...string) {
	t.Helper()
	known := map[string]bool{}
	for _, key := range config.Keys() {
		known[config.EnvName(key)] = true
	}
	for _, name := range names {
		if strings.HasPrefix(name, "COATCHECK_") && !known[name] {
			t.Errorf("%s is the variable of no key", name)
		}
	}
	environ := []string{"COATCHECK_CACHE_URL=redis://redis:6379/0"}
	if _, err := config.Load(config.Options{Path: file, Environ: environ}); err != nil {
		t.Errorf("%s: %v", file, err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents are the YAML documents of text.
func documents(t *testing.T, text string) []map[string]any {
	t.Helper()
	var list []map[string]any
	for decoder := yaml.NewDecoder(strings.NewReader(text)); ; {
		var doc map[string]any
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, doc)
	}
}

// at follows a path such as spec.template.spec; numbers are indices. It returns nil where there is nothing.
func at(v any, path string) any {
	for step := range strings.SplitSeq(path, "/") {
		switch inner := v.(type) {
		case map[string]any:
			v = inner[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(inner) {
				return nil
			}
			v = inner[i]
		default:
			return nil
		}
	}
	return v
}

func texts(v any) []string {
	var list []string
	items, _ := v.([]any)
	for _, item := range items {
		list = append(list, fmt.Sprint(item))
	}
	return list
}

func names(v any) []string {
	var list []string
	m, _ := v.(map[string]any)
	for name := range m {
		list = append(list, name)
	}
	return list
}

func TestSystemdUnits(t *testing.T) {
	unit := read(t, "systemd/coatcheck.service")
	for _, line := range regexp.MustCompile(`(?m)^Exec(?:Start|StartPre)=/usr/local/bin/coatcheck (.*)$`).FindAllStringSubmatch(unit, -1) {
		checkCommand(t, strings.Fields(line[1]))
	}
	checkVariables(t, "", regexp.MustCompile(`COATCHECK_[A-Z_]+`).FindAllString(unit, -1)...)
	socket := read(t, "systemd/coatcheck.socket")
	if !strings.Contains(socket, "\nFileDescriptorName=listen\n") {
		t.Error("the socket is not named as the key that it stands for")
	}

	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"coatcheck.service": strings.ReplaceAll(unit, "/usr/local/bin/coatcheck", "/bin/true"), "coatcheck.socket": socket} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(tool, "verify", "--man=no", filepath.Join(dir, "coatcheck.service"), filepath.Join(dir, "coatcheck.socket")).CombinedOutput()
	if err != nil || strings.Contains(string(out), "coatcheck.") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	// Exposure is given in tenths from 0 to 100.
	if out, err := exec.Command(tool, "security", "--offline=true", "--threshold=20", filepath.Join(dir, "coatcheck.service")).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}

func TestCompose(t *testing.T) {
	doc := documents(t, read(t, "compose/compose.yaml"))[0]
	services, _ := doc["services"].(map[string]any)
	for name, service := range services {
		for _, section := range []string{"networks", "secrets"} {
			for _, used := range texts(at(service, section)) {
				if at(doc, section+"/"+used) == nil {
					t.Errorf("service %s: %s %s is not declared", name, section, used)
				}
			}
		}
		for _, other := range names(at(service, "depends_on")) {
			if at(services[other], "healthcheck") == nil {
				t.Errorf("service %s waits for the health of %s, which has no check", name, other)
			}
		}
		if name != "coatcheck" && (at(service, "ports") != nil || slices.Contains(texts(at(service, "networks")), "front")) {
			t.Errorf("service %s can be reached past coatcheck", name)
		}
	}
	ours := services["coatcheck"]
	checkCommand(t, texts(at(ours, "command")))
	checkVariables(t, "compose/config.yaml", names(at(ours, "environment"))...)
	if at(ours, "read_only") != true || !slices.Equal(texts(at(ours, "cap_drop")), []string{"ALL"}) {
		t.Error("coatcheck's container is not hardened")
	}
}

func TestKubernetesBase(t *testing.T) {
	for _, resource := range texts(documents(t, read(t, "kubernetes/base/kustomization.yaml"))[0]["resources"]) {
		documents(t, read(t, "kubernetes/base/"+resource))
	}
	deployment := documents(t, read(t, "kubernetes/base/deployment.yaml"))[0]
	checkPod(t, at(deployment, "spec/template/spec"), at(deployment, "spec/template/spec/containers/0"), "kubernetes/base/config.yaml")

	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("no kubectl")
	}
	out, err := exec.Command(kubectl, "kustomize", "kubernetes/base").CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl kustomize: %v\n%s", err, out)
	}
	policies := 0
	for _, doc := range documents(t, string(out)) {
		if doc["kind"] != "NetworkPolicy" {
			continue
		}
		policies++
		if at(doc, "metadata/name") == "app-from-coatcheck-only" && at(doc, "spec/podSelector/matchLabels") != nil {
			t.Error("the policy that closes the application selects coatcheck")
		}
	}
	if policies != 2 {
		t.Errorf("%d network policies, want 2", policies)
	}
}

func TestKubernetesSidecar(t *testing.T) {
	docs := documents(t, read(t, "kubernetes/sidecar/pod.yaml"))
	var text string
	kinds := map[any]map[string]any{}
	for _, doc := range docs {
		kinds[doc["kind"]] = doc
	}
	text, _ = at(kinds["ConfigMap"], "data/config.yaml").(string)
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	pod := at(kinds["Deployment"], "spec/template/spec")
	ours := at(pod, "initContainers/0")
	checkPod(t, pod, ours, file)
	if at(ours, "restartPolicy") != "Always" {
		t.Error("coatcheck is no sidecar: an init container without restartPolicy Always has to end")
	}
	if port := at(kinds["NetworkPolicy"], "spec/ingress/0/ports/0/port"); port != 8080 {
		t.Errorf("the network policy opens %v, want coatcheck's 8080 alone", port)
	}
}

// checkPod fails unless a pod runs our container safely, and names only what there is.
func checkPod(t *testing.T, pod, ours any, file string) {
	t.Helper()
	checkCommand(t, texts(at(ours, "args")))
	var variables []string
	env, _ := at(ours, "env").([]any)
	for _, v := range env {
		variables = append(variables, fmt.Sprint(at(v, "name")))
	}
	checkVariables(t, file, variables...)
	cfg, err := config.Load(config.Options{Path: file})
	if err != nil {
		t.Fatal(err)
	}
	for name, listen := range map[string]string{"http": cfg.Listen, "admin": cfg.AdminListen} {
		ports, _ := at(ours, "ports").([]any)
		if !slices.ContainsFunc(ports, func(p any) bool {
			return at(p, "name") == name && strings.HasSuffix(listen, fmt.Sprintf(":%v", at(p, "containerPort")))
		}) {
			t.Errorf("port %s is not that of %s", name, listen)
		}
	}
	for probe, path := range map[string]string{"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"} {
		if at(ours, probe+"/httpGet/path") != path || at(ours, probe+"/httpGet/port") != "admin" {
			t.Errorf("%s does not ask %s at the admin port", probe, path)
		}
	}
	for path, want := range map[string]any{"securityContext/runAsNonRoot": true, "securityContext/seccompProfile/type": "RuntimeDefault", "automountServiceAccountToken": false, "enableServiceLinks": false} {
		if got := at(pod, path); got != want {
			t.Errorf("pod: %s is %v, want %v", path, got, want)
		}
	}
	for path, want := range map[string]any{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities/drop/0": "ALL"} {
		if got := at(ours, "securityContext/"+path); got != want {
			t.Errorf("container: %s is %v, want %v", path, got, want)
		}
	}
	volumes, _ := at(pod, "volumes").([]any)
	mounts, _ := at(ours, "volumeMounts").([]any)
	for _, mount := range mounts {
		if !slices.ContainsFunc(volumes, func(v any) bool { return at(v, "name") == at(mount, "name") }) || at(mount, "subPath") != nil {
			t.Errorf("mount %v has no volume, or is one that does not change", mount)
		}
	}
}
