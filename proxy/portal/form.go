package portal

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"coatcheck/auth"
	"coatcheck/proxy/problem"
)

// Limits of a form (ASVS 2.2.1).
const (
	maxBody     = 64 << 10 // bytes
	maxFields   = 32
	maxUsername = 1 << 10 // bytes
)

// form is what our own pages post.
type form struct {
	username, password string
	pending, answer    string // of the second step
	next               string // where to go, safe for a Location; "" when there is none or it was refused
	remember           auth.Remember

	session                string // to be ended
	current, new, newAgain string // passwords
}

// readForm reads the form from the body alone: urlencoded, UTF-8, one value per name. It answers what it refuses, and reports whether
// the caller may go on. An empty body is an empty form, whatever its type.
func (p *Portal) readForm(w http.ResponseWriter, r *http.Request) (form, bool) {
	values, refusal := readValues(w, r)
	if refusal != nil {
		problem.Write(w, r, *refusal)
		return form{}, false
	}
	f := form{username: values["username"], password: values["password"], pending: values["pending"], answer: values["answer"],
		session: values["session"], current: values["current"], new: values["new"], newAgain: values["again"]}
	f.next, _ = safeNext(values["next"], p.nextOrigins(r))
	switch values["remember"] {
	case "":
	case "on":
		f.remember = auth.RememberOn
	case "off":
		f.remember = auth.RememberOff
	default:
		refusal = badForm("problem.form-remember")
	}
	if len(f.username) > maxUsername {
		refusal = badForm("problem.form-username")
	}
	if refusal != nil {
		problem.Write(w, r, *refusal)
		return form{}, false
	}
	return f, true
}

func readValues(w http.ResponseWriter, r *http.Request) (map[string]string, *problem.Problem) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &problem.Problem{Status: http.StatusRequestEntityTooLarge, Detail: "problem.form-large"}
	case err != nil:
		return nil, badForm("problem.form-cut")
	case len(body) == 0:
		return nil, nil
	case !isForm(r.Header):
		return nil, &problem.Problem{Status: http.StatusUnsupportedMediaType, Detail: "problem.form-type"}
	}
	return parseValues(string(body))
}

// isForm refuses what a page of another origin could post without being asked, and what is not UTF-8.
func isForm(h http.Header) bool {
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset := params["charset"]
	return err == nil && mediaType == "application/x-www-form-urlencoded" && h.Get("Content-Encoding") == "" &&
		(charset == "" || strings.EqualFold(charset, "utf-8"))
}

func parseValues(body string) (map[string]string, *problem.Problem) {
	if strings.Count(body, "&") >= maxFields {
		return nil, badForm("problem.form-fields")
	}
	parsed, err := url.ParseQuery(body)
	if err != nil {
		return nil, badForm("problem.form-encoding")
	}
	values := make(map[string]string, len(parsed))
	for name, all := range parsed {
		if len(all) != 1 {
			return nil, badForm("problem.form-twice")
		}
		if !utf8.ValidString(name) || !utf8.ValidString(all[0]) {
			return nil, badForm("problem.form-utf8")
		}
		values[name] = all[0]
	}
	return values, nil
}

func badForm(detail string) *problem.Problem {
	return &problem.Problem{Status: http.StatusBadRequest, Detail: detail, Hint: "problem.form-again"}
}
