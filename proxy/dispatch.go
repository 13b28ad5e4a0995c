package proxy

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"coatcheck/proxy/problem"
	"coatcheck/proxy/wording"
)

// choice is what the readings of a path lead to.
type choice struct {
	portal bool
	// route forwards the request: that of the first reading.
	route *route
	// others are the routes of the other readings; what they refuse is refused.
	others []*route
	// path is what the upstream is asked for.
	path string
}

var (
	errNoRoute  = errors.New("no route for this path")
	errMethod   = errors.New("no route for this method")
	errTwoSided = wording.Because("reason.two-sided", nil)
	errRebased  = wording.Because("reason.rebased", nil)
)

// dispatch sends a request to the portal or, through the guard, to an upstream.
func (h *Handler) dispatch(w http.ResponseWriter, r *http.Request) {
	if suffix, asks := h.verifies(r); asks {
		h.verify(w, r, suffix)
		return
	}
	rec := recordOf(r.Context())
	var allow []string
	c, err := h.choose(rec.Host, r, &allow)
	switch {
	case err != nil:
		rec.err = err
		h.noRoute(w, r, err, allow)
	case c.portal:
		rec.route = RoutePortal
		h.page(r).ServeHTTP(w, r)
	default:
		rec.route = c.route.name()
		h.guard.serve(w, r, c, h.answer)
	}
}

// page is the handler of one of our own addresses.
func (h *Handler) page(r *http.Request) http.Handler {
	if name, ok := strings.CutPrefix(r.URL.Path, h.prefix); ok && h.pages[name] != nil {
		return h.pages[name]
	}
	return h.portal
}

func (h *Handler) noRoute(w http.ResponseWriter, r *http.Request, err error, allow []string) {
	switch {
	case errors.Is(err, errNoRoute):
		refuse(w, r, problem.Problem{Status: http.StatusNotFound, Detail: "problem.nothing", Hint: "problem.nothing-hint"})
	case errors.Is(err, errMethod):
		slices.Sort(allow)
		methods := strings.Join(slices.Compact(allow), ", ")
		w.Header().Set("Allow", methods)
		refuse(w, r, problem.Problem{Status: http.StatusMethodNotAllowed, Detail: "problem.method", Values: wording.Values{"methods": methods}})
	default:
		recordOf(r.Context()).event = "request_refused"
		refuse(w, r, problem.Problem{Status: http.StatusBadRequest, Detail: "problem.ambiguous", Values: wording.Values{"reason": err}})
	}
}

// choose finds the route of r and the path that its upstream gets.
func (h *Handler) choose(authority string, r *http.Request, allow *[]string) (choice, error) {
	var buf [4]string
	c, all, err := h.match(buf[:0], authority, r, allow)
	if err != nil || c.portal {
		return c, err
	}
	return c.below(rawPath(r), all)
}

// match appends every reading of the path to dst and holds it against the table (ASVS 1.1.1, 8.2.1). A reading that has no route
// denies the request.
func (h *Handler) match(dst []string, authority string, r *http.Request, allow *[]string) (c choice, all []string, err error) {
	host, _ := hostName(authority) // checked by objectHost
	all, err = readings(dst, rawPath(r), h.table.fold)
	if err != nil {
		return choice{}, nil, err
	}
	own := 0
	for _, reading := range all {
		if h.isPortal(reading) {
			own++
			continue
		}
		found := h.table.lookup(host, reading, r.Method, allow)
		if found == nil && own == 0 {
			return choice{}, nil, missed(*allow)
		}
		c.add(found)
	}
	switch {
	case own == len(all):
		return choice{portal: true}, nil, nil
	case own > 0:
		return choice{}, nil, errTwoSided
	}
	return c, all, nil
}

func missed(allow []string) error {
	if len(allow) > 0 {
		return errMethod
	}
	return errNoRoute
}

func (c *choice) add(found *route) {
	switch {
	case c.route == nil:
		c.route = found
	case found != c.route && !slices.Contains(c.others, found):
		c.others = append(c.others, found)
	}
}

// below finds the upstream's path. Where it is not the path that the rules are written for, dot segments could climb out of
// the part that the route stands for; they are refused.
func (c choice) below(raw string, all []string) (choice, error) {
	if c.route.Upstream == nil {
		return c, nil
	}
	if c.route.rebased && slices.ContainsFunc(all, func(reading string) bool { return resolveDots(reading) != reading }) {
		return choice{}, errRebased
	}
	c.path = c.route.forwardPath(raw)
	if !forwardable(c.path) {
		return choice{}, errAmbiguous
	}
	return c, nil
}

// rawPath is the path of the request as it was received. Of an absolute target, the authority goes.
func rawPath(r *http.Request) string {
	target, _, _ := strings.Cut(r.RequestURI, "?")
	if strings.HasPrefix(target, "/") {
		return target
	}
	_, target, _ = strings.Cut(target, "://")
	if i := strings.IndexByte(target, '/'); i >= 0 {
		return target[i:]
	}
	return "/"
}
