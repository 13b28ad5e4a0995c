package fastcgi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

const (
	maxHeader = 64 << 10 // bytes of an answer's header block
	maxFields = 500
)

// errHeader is an answer whose header is not that of a CGI program.
var errHeader = errors.New("malformed CGI header")

// head is what a CGI program says before its body (RFC 3875 6).
type head struct {
	status int
	reason string
	header http.Header
}

// readHead reads the header block: Status, or Location alone (302), or neither (200). A program that answers with a status
// line of its own, repeats Status, folds lines or names something that no header can hold is refused.
func readHead(in *bufio.Reader) (head, error) {
	h := head{header: http.Header{}}
	budget := maxHeader
	for fields := 0; ; fields++ {
		line, err := readLine(in, &budget)
		if err != nil {
			return head{}, err
		}
		if len(line) == 0 {
			return h.complete()
		}
		if fields == maxFields {
			return head{}, fmt.Errorf("%w: more than %d fields", errHeader, maxFields)
		}
		if err := h.add(line); err != nil {
			return head{}, err
		}
	}
}

// readLine gives a line without its end. What is left of the budget is less by its length.
func readLine(in *bufio.Reader, budget *int) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		*budget -= len(part)
		if *budget < 0 {
			return nil, fmt.Errorf("%w: more than %d bytes", errHeader, maxHeader)
		}
		if err == nil && line == nil {
			return trimEnd(part), nil
		}
		line = append(line, part...)
		if err == nil {
			return trimEnd(line), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, unexpected(err)
		}
	}
}

func trimEnd(line []byte) []byte {
	return bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'})
}

func (h *head) add(line []byte) error {
	name, value, ok := bytes.Cut(line, []byte{':'})
	value = bytes.Trim(value, " \t")
	if !ok || !validName(name) || !validValue(value) {
		return fmt.Errorf("%w: a line that is no field: %.40q", errHeader, line)
	}
	if strings.EqualFold(string(name), "Status") {
		return h.setStatus(string(value))
	}
	key := textproto.CanonicalMIMEHeaderKey(string(name))
	h.header[key] = append(h.header[key], string(value))
	return nil
}

// setStatus reads "404 Not Found". Informational answers and switched protocols are nothing that CGI has.
func (h *head) setStatus(value string) error {
	code, reason, _ := strings.Cut(value, " ")
	status, err := strconv.ParseUint(code, 10, 16)
	if err != nil || len(code) != 3 || status < 200 || h.status != 0 {
		return fmt.Errorf("%w: Status %.20q", errHeader, value)
	}
	h.status, h.reason = int(status), reason
	return nil
}

func (h head) complete() (head, error) {
	switch {
	case h.status != 0:
	case len(h.header["Location"]) > 0:
		h.status = http.StatusFound
	default:
		h.status = http.StatusOK
	}
	if h.reason == "" {
		h.reason = http.StatusText(h.status)
	}
	return h, nil
}

// length gives the Content-Length, -1 where there is none.
func (h head) length() (int64, error) {
	values := h.header["Content-Length"]
	if len(values) == 0 {
		return -1, nil
	}
	n, err := strconv.ParseUint(values[0], 10, 63)
	if err != nil || slices.ContainsFunc(values, func(v string) bool { return v != values[0] }) {
		return 0, fmt.Errorf("%w: Content-Length %.40q", errHeader, values)
	}
	h.header["Content-Length"] = values[:1]
	return int64(n), nil
}

// validName: RFC 9110 5.6.2, token.
func validName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return len(name) > 0
}

// validValue: RFC 9110 5.5 without the controls, which no program needs.
func validValue(value []byte) bool {
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
