package password

import (
	"strings"
)

// phcCost is one "name=number" of a PHC string's parameters, with its bounds.
type phcCost struct {
	name      string
	low, high int
}

// phcCosts reads "a=1,b=2" in the given order, which the PHC string format fixes, and bounds each number.
func phcCosts(algorithm, text string, want []phcCost) ([]int, error) {
	fields := strings.Split(text, ",")
	if len(fields) != len(want) {
		return nil, malformed(algorithm, "wrong parameters")
	}
	costs := make([]int, len(want))
	for i, w := range want {
		value, ok := strings.CutPrefix(fields[i], w.name+"=")
		if !ok {
			return nil, malformed(algorithm, "wrong parameters")
		}
		n, err := number(algorithm, w.name, value, w.low, w.high)
		if err != nil {
			return nil, err
		}
		costs[i] = n
	}
	return costs, nil
}
