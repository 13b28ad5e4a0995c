package proxy

import (
	"context"
	"strings"
)

// Username is the name of the user whose request has ctx, as it is on its way to an upstream; empty: nobody, or no request of ours.
// It is for upstreams that take the name from elsewhere than a header ([upstream.FastCGI]).
func Username(ctx context.Context) string {
	e := errandOf(ctx)
	if e == nil {
		return ""
	}
	return e.Principal.Username
}

// Mount is what the route has stripped of the path of the request whose ctx this is: decoded, without a slash at its end.
func Mount(ctx context.Context) string {
	e := errandOf(ctx)
	if e == nil || e.choice.route.stripped == "" {
		return ""
	}
	return strings.TrimSuffix(e.choice.route.Path, "/")
}
