package portal

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The colours pass WCAG 2.2 AA in both schemes: text 1.4.3, edges of fields and focus 1.4.11.
func TestContrast(t *testing.T) {
	css, err := files.ReadFile("templates/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	for scheme, text := range map[string]string{"light": light, "dark": dark} {
		colour := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]+);`).FindAllStringSubmatch(text, -1) {
			colour[m[1]] = m[2]
		}
		for _, pair := range []struct {
			front, back string
			min         float64
		}{
			{"ink", "card", 4.5}, {"ink", "paper", 4.5}, {"soft", "card", 4.5}, {"soft", "paper", 4.5}, {"on-accent", "accent", 4.5},
			{"on-accent", "accent-strong", 4.5}, {"wrong", "wrong-paper", 4.5}, {"edge", "card", 3}, {"edge", "paper", 3}, {"accent", "card", 3},
		} {
			if got := contrast(t, colour[pair.front], colour[pair.back]); got < pair.min {
				t.Errorf("%s: %s on %s has contrast %.2f, want %.1f", scheme, pair.front, pair.back, got, pair.min)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
