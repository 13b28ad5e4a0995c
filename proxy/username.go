package proxy

import "context"

// Username is the name of the user whose request has ctx, as it is on its way to an upstream; empty: nobody, or no request of ours.
// It is for upstreams that take the name from elsewhere than a header ([upstream.FastCGI]).
func Username(ctx context.Context) string {
	e, _ := ctx.Value(errandKey{}).(*errand)
	if e == nil {
		return ""
	}
	return e.Principal.Username
}
