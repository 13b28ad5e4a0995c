package upstream

import "context"

type userKey struct{}

// WithUser returns a context whose request goes to a FastCGI upstream with REMOTE_USER (RFC 3875 4.1.11). It is the only source
// of that variable: no header of the request can set it. An empty name is nobody, and the variable is absent.
func WithUser(ctx context.Context, username string) context.Context {
	return context.WithValue(ctx, userKey{}, username)
}

type mountKey struct{}

// WithMount returns a context whose request has lost the beginning of its path: the part a route strips, decoded, without a slash at its end.
// FastCGI's one program (Script) sees it as SCRIPT_NAME.
func WithMount(ctx context.Context, path string) context.Context {
	return context.WithValue(ctx, mountKey{}, path)
}

func mountFrom(ctx context.Context) string {
	path, _ := ctx.Value(mountKey{}).(string)
	return path
}

func userFrom(ctx context.Context) string {
	username, _ := ctx.Value(userKey{}).(string)
	return username
}
