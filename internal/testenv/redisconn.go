package testenv

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const redisTimeout = 5 * time.Second

// redisDialer speaks RESP2 with one connection for each command, enough to probe, set up and look into a server.
type redisDialer struct {
	addr               string
	username, password string
	tls                *tls.Config
}

func (d redisDialer) do(args ...string) (string, error) {
	conn, err := d.dial()
	if err != nil {
		return "", fmt.Errorf("connect to redis: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(redisTimeout)); err != nil {
		return "", fmt.Errorf("set deadline of redis connection: %w", err)
	}
	answers := bufio.NewReader(conn)
	if d.username != "" {
		if _, err := exchange(conn, answers, "AUTH", d.username, d.password); err != nil {
			return "", fmt.Errorf("log in to redis: %w", err)
		}
	}
	answer, err := exchange(conn, answers, args...)
	if err != nil {
		return "", fmt.Errorf("redis %s: %w", args[0], err)
	}
	return answer, nil
}

func (d redisDialer) dial() (net.Conn, error) {
	dialer := &net.Dialer{Timeout: redisTimeout}
	if d.tls != nil {
		return tls.DialWithDialer(dialer, "tcp", d.addr, d.tls)
	}
	return dialer.Dial("tcp", d.addr)
}

func exchange(conn io.Writer, answers *bufio.Reader, args ...string) (string, error) {
	var request strings.Builder
	fmt.Fprintf(&request, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(arg), arg)
	}
	if _, err := io.WriteString(conn, request.String()); err != nil {
		return "", err
	}
	return readAnswer(answers)
}

// readAnswer reads one RESP2 value.
func readAnswer(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("empty line where an answer should be")
	}
	switch kind, rest := line[0], line[1:]; kind {
	case '+', ':':
		return rest, nil
	case '-':
		return "", errors.New(rest)
	case '$':
		return readBulk(r, rest)
	case '*':
		return readList(r, rest)
	default:
		return "", fmt.Errorf("answer of unknown kind %q", line)
	}
}

func readBulk(r *bufio.Reader, size string) (string, error) {
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 {
		return "", err // -1 is nil
	}
	data := make([]byte, n+2)
	if _, err := io.ReadFull(r, data); err != nil {
		return "", err
	}
	return string(data[:n]), nil
}

func readList(r *bufio.Reader, count string) (string, error) {
	n, err := strconv.Atoi(count)
	if err != nil {
		return "", err
	}
	var elements []string
	for range n {
		element, err := readAnswer(r)
		if err != nil {
			return "", err
		}
		elements = append(elements, element)
	}
	return strings.Join(elements, "\n"), nil
}
