package config

import "strings"

// nearest returns the candidate that differs least from word, or nothing when none is close: one edit for each three
// characters, at most three.
func nearest(word string, candidates []string) string {
	if len(word) > 64 {
		return ""
	}
	word = strings.ToLower(word)
	best, least := "", min(len(word)/3+1, 3)+1
	for _, c := range candidates {
		if d := distance(word, strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts inserted, deleted, replaced and swapped bytes (optimal string alignment).
func distance(a, b string) int {
	before, above := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}

// nearestKey looks among the siblings first, then for the same last word anywhere: cookie_age → session.cookie_age.
func nearestKey(fields []field, path, name string) string {
	if n := nearest(name, names(fields)); n != "" {
		return join(path, n)
	}
	for _, key := range Keys() {
		if key[strings.LastIndex(key, ".")+1:] == name {
			return key
		}
	}
	return ""
}

func names(fields []field) []string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.name
	}
	return list
}
