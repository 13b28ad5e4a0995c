package storetest

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestAssertions: each of the 80 assertions is somewhere, or says why not.
func TestAssertions(t *testing.T) {
	table, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	next := 1
	for line := range strings.Lines(string(table)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		number, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if err != nil {
			continue
		}
		if number != next || len(cells) != 4 {
			t.Errorf("row %q: want number %d and four cells", line, next)
			continue
		}
		next++
		file, where := strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])
		if file == "–" {
			if len(where) < 20 {
				t.Errorf("%d: %q is no reason", number, where)
			}
			continue
		}
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Errorf("%d: %v", number, err)
		} else if !strings.Contains(string(text), where) {
			t.Errorf("%d: %s holds no %q", number, file, where)
		}
	}
	if next != 81 {
		t.Errorf("the table ends with %d, want 80", next-1)
	}
}
