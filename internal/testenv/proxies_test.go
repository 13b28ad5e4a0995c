package testenv_test

import (
	"testing"

	"coatcheck/internal/testenv"
)

func TestNginx(t *testing.T) {
	checkRestart(t, testenv.Nginx(t, func(addr string) string { return "server { listen " + addr + "; return 204; }" }))
}

func TestCaddy(t *testing.T) {
	checkRestart(t, testenv.Caddy(t, func(addr string) string { return "http://" + addr + " {\n\trespond 204\n}\n" }))
}
