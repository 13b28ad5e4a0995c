package fastcgi

import "encoding/binary"

// Param is one CGI variable of a request.
type Param struct{ Name, Value string }

// appendParams writes name-value pairs (FastCGI 1.0, section 3.4).
func appendParams(dst []byte, params []Param) []byte {
	for _, p := range params {
		dst = appendLength(dst, len(p.Name))
		dst = appendLength(dst, len(p.Value))
		dst = append(dst, p.Name...)
		dst = append(dst, p.Value...)
	}
	return dst
}

func appendLength(dst []byte, n int) []byte {
	if n < 1<<7 {
		return append(dst, byte(n))
	}
	return binary.BigEndian.AppendUint32(dst, uint32(n)|1<<31)
}
