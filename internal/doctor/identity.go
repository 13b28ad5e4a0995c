package doctor

import (
	"context"
	"fmt"
	"strings"

	"coatcheck/internal/config"
)

// lookAtIdentity looks for applications that are not told who asks.
func lookAtIdentity(_ context.Context, p *Patient, n *notes) {
	for i, r := range p.Config.Routes {
		if (r.Access == "login" || r.Access == "optional") && silent(r) {
			n.warning(fmt.Sprintf("routes[%d].identity", i), fmt.Sprintf("the application at %s%s is not told who asks: it will show its own login, or nobody", r.Host, r.Path),
				"set identity.preset: remote, or name the headers that it reads in identity.headers")
		}
	}
	n.well("each application is told who asks")
}

func silent(r config.Route) bool {
	id := r.Identity
	told := id.Preset != "none" || len(id.Headers) > 0 || id.JWT.Header != "" || id.BasicAuth.On() || r.ShareSession || r.SessionAPI
	if told || len(r.Upstream) == 0 || r.Upstream[0] == config.NoUpstream {
		return false
	}
	return !strings.HasPrefix(r.Upstream[0], "fcgi") // REMOTE_USER is always set there
}
