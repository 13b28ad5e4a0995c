package cmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxPassword is the longest password that a login accepts, in bytes (ASVS 6.2.9).
const maxPassword = 4096

// readPassword reads a new password: the first line of standard input, or two equal answers at a terminal. It is never an argument,
// which every user of the machine could read.
func (e *environment) readPassword(fromStdin bool) (string, error) {
	if fromStdin {
		return firstLine(e.Stdin)
	}
	if !isTerminal(e.Stdin) {
		return "", usageError{errors.New("standard input is not a terminal; give the password with --password-stdin")}
	}
	first, err := e.ask("Password: ")
	if err != nil {
		return "", err
	}
	second, err := e.ask("Password (again): ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ")
	}
	return checked(first)
}

// readCurrent reads a password that exists already: the first line of standard input, or one answer at a terminal.
func (e *environment) readCurrent(fromStdin bool) (string, error) {
	if fromStdin {
		return firstLine(e.Stdin)
	}
	if !isTerminal(e.Stdin) {
		return "", usageError{errors.New("standard input is not a terminal; give the password with --password-stdin")}
	}
	text, err := e.ask("Password: ")
	if err != nil {
		return "", err
	}
	return checked(text)
}

func (e *environment) ask(prompt string) (string, error) {
	fmt.Fprint(e.Stderr, prompt)
	text, err := term.ReadPassword(int(e.Stdin.(*os.File).Fd()))
	fmt.Fprintln(e.Stderr)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return string(text), nil
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxPassword+2)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("read password from standard input: %w", err)
	}
	return checked(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
}

func checked(password string) (string, error) {
	switch {
	case password == "":
		return "", errors.New("the password is empty")
	case len(password) > maxPassword:
		return "", fmt.Errorf("the password is longer than %d bytes", maxPassword)
	}
	return password, nil
}
