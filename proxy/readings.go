package proxy

import (
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"coatcheck/proxy/wording"
)

// Limits of [readings]. Ordinary odd paths (encoded slashes, ;parameters, doubled slashes) have up to 20 readings.
const (
	maxDecodings    = 3
	maxReadings     = 64
	maxReadingBytes = 256 << 10
)

var (
	errControlByte = wording.Because("reason.control-byte", nil)
	errOverlong    = wording.Because("reason.overlong", nil)
	errAmbiguous   = wording.Because("reason.ambiguous", nil)
)

// rewrites are what applications and servers are known to do to a path before they look at it. They are applied in every
// order: which of them an upstream applies, and when, nobody here can know.
var rewrites = [...]func(string) string{
	backslashes, withoutParams, cutAtDelimiter, mergeSlashes, resolveDots, trimSegments, norm.NFKC.String,
}

// readings appends to dst every path that an application may take raw for (SECURITY.md, path rule semantics). The first is
// raw with only those escapes decoded that do not change its structure (RFC 3986 6.2.2.2); the others are decoded up
// to three times and rewritten. An ordinary path has one reading, raw itself, and costs no allocation.
func readings(dst []string, raw string, fold bool) ([]string, error) {
	if plainPath(raw, fold) {
		return append(dst, raw), nil
	}
	s := readingSet{fold: fold}
	s.add(decode(raw, structural))
	for depth, from := 0, 0; ; depth++ {
		for i := from; i < len(s.texts) && s.err == nil; i++ {
			s.rewrite(s.texts[i])
		}
		end := len(s.texts)
		for i := from; i < end && depth < maxDecodings && s.err == nil; i++ {
			s.add(decode(s.texts[i], ""))
		}
		if s.err != nil || len(s.texts) == end {
			return append(dst, s.texts...), s.err
		}
		from = end
	}
}

type readingSet struct {
	texts []string
	bytes int
	fold  bool
	err   error
}

func (s *readingSet) rewrite(text string) {
	for _, f := range rewrites {
		if s.err == nil {
			s.add(f(text))
		}
	}
}

func (s *readingSet) add(text string) {
	if s.fold {
		text = foldCase(text)
	}
	for _, known := range s.texts {
		if known == text {
			return
		}
	}
	s.texts = append(s.texts, text)
	s.bytes += len(text)
	switch {
	case hasControl(text):
		s.err = errControlByte
	case hasOverlong(text):
		s.err = errOverlong
	case len(s.texts) > maxReadings || s.bytes > maxReadingBytes:
		s.err = errAmbiguous
	}
}

// plainPath reports whether nothing could read raw differently: letters, digits and marks without a meaning, no empty
// segment but the last, no segment that ends in a dot.
func plainPath(raw string, fold bool) bool {
	last := byte(0)
	for i := range len(raw) {
		c := raw[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		case 'A' <= c && c <= 'Z':
			if fold {
				return false
			}
		case c == '/':
			if last == '/' || last == '.' {
				return false
			}
		case strings.IndexByte("~!$&'()*+,=:@", c) < 0:
			return false
		}
		last = c
	}
	return last != '.'
}

// foldCase is the comparison of fold_paths: Unicode case folding, where ſ equals s and the Kelvin sign k.
func foldCase(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return cases.Fold().String(s)
		}
	}
	return strings.ToLower(s)
}
