package look

import (
	"fmt"
	"strings"
)

// textContrast is what WCAG 2.2 AA asks of text (1.4.3).
const textContrast = 4.5

// defaultAccent is the one in style.css.
const defaultAccent = "#3556c4"

// The papers that text in the accent's colour stands on, in both schemes, as style.css has them; of each scheme the one that is
// harder to read on.
var (
	white      = colour{0xff, 0xff, 0xff}
	black      = colour{}
	lightPaper = colour{0xf5, 0xf6, 0xf8}
	darkCard   = colour{0x1f, 0x22, 0x27}
	darkInk    = colour{0x10, 0x12, 0x18}
)

// accentStyle is what the accent changes in style.css. The light scheme takes the colour as it is: what cannot be read there is an error
// that names the nearest shade that can. The dark scheme takes the nearest tint of it that can be read.
func accentStyle(text string) (string, error) {
	accent, err := parseColour(text)
	if err != nil {
		return "", err
	}
	if ratio := contrast(accent, lightPaper); ratio < textContrast {
		shade := readable(accent, lightPaper, black)
		return "", fmt.Errorf("%s has a contrast of %.1f to 1 on the light pages, and people need %.1f (WCAG 2.2 AA): take a darker colour; the nearest that passes is %s",
			accent, ratio, textContrast, shade)
	}
	tint := readable(accent, darkCard, white)
	light := scheme(accent, accent.toward(black, 0.2), white)
	dark := scheme(tint, tint.toward(white, 0.3), darkInk)
	return "\n:root {" + light + "}\n@media (prefers-color-scheme: dark) { :root {" + dark + "} }\n", nil
}

func scheme(accent, strong, on colour) string {
	return fmt.Sprintf(" --accent: %s; --accent-strong: %s; --on-accent: %s; ", accent, strong, on)
}

// readable is the colour nearest to c, on the way to an end, that can be read on paper.
func readable(c, paper, end colour) colour {
	const steps = 100
	for i := range steps {
		if mixed := c.toward(end, float64(i)/steps); contrast(mixed, paper) >= textContrast {
			return mixed
		}
	}
	return end
}

// withAccent appends what changes; the last rule wins.
func withAccent(style, accent string) (string, error) {
	if accent == "" || strings.EqualFold(accent, defaultAccent) {
		return style, nil
	}
	changes, err := accentStyle(accent)
	return style + changes, err
}
