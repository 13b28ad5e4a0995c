package upstream

import "context"

type userKey struct{}

// WithUser returns a context whose request goes to a FastCGI upstream with REMOTE_USER (RFC 3875 4.1.11). It is the only source
// of that variable: no header of the request can set it. An empty name is nobody, and the variable is absent.
func WithUser(ctx context.Context, username string) context.Context {
	return context.WithValue(ctx, userKey{}, username)
}

func userFrom(ctx context.Context) string {
	username, _ := ctx.Value(userKey{}).(string)
	return username
}
