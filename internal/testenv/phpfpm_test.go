package testenv_test

import (
	"testing"

	"coatcheck/internal/testenv"
)

func TestPHPFPM(t *testing.T) { checkRestart(t, testenv.PHPFPM(t, t.TempDir()).Server) }
