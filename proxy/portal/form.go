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

// form is a login or logout form.
type form struct {
	username, password string
	pending, answer    string // of the second step
	next               string // where to go, safe for a Location; "" when there is none or it was refused
	remember           auth.Remember
}

// readForm reads the form from the body alone: urlencoded, UTF-8, one value per name. It answers what it refuses, and reports whether
// the caller may go on. An empty body is an empty form, whatever its type.
func (p *Portal) readForm(w http.ResponseWriter, r *http.Request) (form, bool) {
	values, refusal := readValues(w, r)
	if refusal != nil {
		problem.Write(w, r, *refusal)
		return form{}, false
	}
	f := form{username: values["username"], password: values["password"], pending: values["pending"], answer: values["answer"]}
	f.next, _ = safeNext(values["next"], p.nextOrigins(r))
	switch values["remember"] {
	case "":
	case "on":
		f.remember = auth.RememberOn
	case "off":
		f.remember = auth.RememberOff
	default:
		refusal = badForm(`The field "remember" takes on, off or nothing.`)
	}
	if len(f.username) > maxUsername {
		refusal = badForm("The username is too long.")
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
		return nil, &problem.Problem{Status: http.StatusRequestEntityTooLarge, Detail: "The form is larger than 64 KiB."}
	case err != nil:
		return nil, badForm("The form did not arrive whole.")
	case len(body) == 0:
		return nil, nil
	case !isForm(r.Header):
		return nil, &problem.Problem{Status: http.StatusUnsupportedMediaType, Detail: "Send the form as application/x-www-form-urlencoded in UTF-8."}
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
		return nil, badForm("The form has too many fields.")
	}
	parsed, err := url.ParseQuery(body)
	if err != nil {
		return nil, badForm("The form is not encoded as a form should be.")
	}
	values := make(map[string]string, len(parsed))
	for name, all := range parsed {
		if len(all) != 1 {
			return nil, badForm("A field of the form is there more than once.")
		}
		if !utf8.ValidString(name) || !utf8.ValidString(all[0]) {
			return nil, badForm("The form is not UTF-8.")
		}
		values[name] = all[0]
	}
	return values, nil
}

func badForm(detail string) *problem.Problem {
	return &problem.Problem{Status: http.StatusBadRequest, Detail: detail, Hint: "Go back, load the page again and send it once more."}
}
