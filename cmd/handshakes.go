package cmd

import (
	"context"
	"log/slog"
	"strings"
)

// handshakes writes what net/http says of connections to the log in force: what port scanners do at debug, a client whose certificate was not taken as a
// warning.
type handshakes struct{ server *server }

// Write implements io.Writer; a line is one message of net/http (server.go logf).
func (h handshakes) Write(line []byte) (int, error) {
	text, level := strings.TrimSpace(string(line)), slog.LevelDebug
	if refusedClient(text) {
		text, level = "a client's certificate is missing or was refused (tls.client_auth): "+text, slog.LevelWarn
	}
	h.server.log.Log(context.Background(), level, text)
	return len(line), nil
}

// refusedClient reports whether crypto/tls (handshake_server.go processCertsFromClient) has refused a client.
func refusedClient(text string) bool {
	return strings.Contains(text, "TLS handshake error") &&
		(strings.Contains(text, "client didn't provide a certificate") || strings.Contains(text, "tls: failed to verify certificate"))
}
