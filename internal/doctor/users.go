package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"coatcheck/auth/password"
	"coatcheck/auth/userdb"
)

// looked is how many users are looked at one by one.
const looked = 1000

// lookAtUsers looks for tables in which nobody can log in.
func lookAtUsers(ctx context.Context, p *Patient, n *notes) {
	if p.Users == nil || p.Users.Check(ctx) != nil {
		return
	}
	if p.Config.Users.Query != "" {
		n.ok("users are found by users.query, which cannot list them")
		return
	}
	count, err := p.Users.Count(ctx)
	switch {
	case err != nil:
		n.problem("users.table", "users cannot be counted: "+err.Error(), "grant SELECT on "+p.Config.Users.Table)
		return
	case count == 0:
		n.warning("users.table", "there is no user in "+p.Config.Users.Table, "run: coatcheck user add NAME")
		return
	case count > looked:
		n.ok("there are %d users; more than %d are not looked at one by one", count, looked)
		return
	}
	accounts, err := p.Users.List(ctx)
	if err != nil {
		n.problem("users.table", "users cannot be listed: "+err.Error(), "correct users.columns")
		return
	}
	p.judgeAccounts(n, accounts)
	judgeNames(n, accounts)
	n.well("%d users can log in", len(accounts))
}

func (p *Patient) judgeAccounts(n *notes, accounts []userdb.Account) {
	active, usable := 0, 0
	formats := map[string][]string{} // of passwords that are not accepted: the users
	for _, a := range accounts {
		if !a.Active {
			continue
		}
		active++
		switch _, err := p.Formats.Identify(a.Password); {
		case err == nil:
			usable++
		case errors.Is(err, password.ErrUnusable): // as was meant
		case errors.Is(err, password.ErrUnknownFormat):
			name := formatOf(a.Password)
			formats[name] = append(formats[name], a.Username)
		}
	}
	for name, users := range formats {
		unknownFormat(n, name, users)
	}
	switch {
	case active == 0:
		n.problem("users.columns.active", fmt.Sprintf("none of %d users is active: nobody can log in", len(accounts)),
			"run: coatcheck user enable NAME, or name the right column in users.columns.active")
	case usable == 0:
		n.problem("users.columns.password", fmt.Sprintf("none of %d active users has a usable password: nobody can log in", active),
			"run: coatcheck user passwd NAME, or name the right column in users.columns.password")
	}
}

func unknownFormat(n *notes, name string, users []string) {
	seen := fmt.Sprintf("%d users have passwords in a format that is not accepted (%s)", len(users), strings.Join(users[:min(few, len(users))], ", "))
	if name == "" {
		n.warning("users.columns.password", seen+", nor known", "look at the column; coatcheck user passwd gives one a new password")
		return
	}
	n.warning("users.password_formats", seen+": "+name, "add "+name+" to users.password_formats")
}

// formatOf names the format of a password among all that are known; empty: none.
func formatOf(encoded string) string {
	all, err := password.FromNames([]string{"all"})
	if err != nil {
		return ""
	}
	name, _ := all.Identify(encoded)
	return name
}

// judgeNames looks for names that people confuse: a login finds exactly the name that was typed.
func judgeNames(n *notes, accounts []userdb.Account) {
	spellings := map[string][]string{}
	for _, a := range accounts {
		folded := strings.ToLower(strings.TrimSpace(a.Username))
		spellings[folded] = append(spellings[folded], a.Username)
		if a.Username != strings.TrimSpace(a.Username) {
			n.warning("users.columns.username", fmt.Sprintf("the name %q has blanks at its ends, which nobody types", a.Username), "rename the user")
		}
	}
	for _, names := range spellings {
		if len(names) > 1 {
			n.warning("users.columns.username", fmt.Sprintf("the users %q differ in capitals alone, and each has a password of their own", names), "keep one of them")
			return
		}
	}
}
