package storetest

import "testing"

func (h Harness) django(t *testing.T) {}
