package identity

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"coatcheck/auth"
)

// Basic are credentials for an upstream that logs people in itself, by RFC 7617. Username is sent as it is; or else the
// property that From names (id, username or email) of whoever asks.
type Basic struct {
	Username, From, Password string
}

// NewBasic checks b.
func NewBasic(b Basic) (*Basic, error) {
	switch {
	case (b.Username == "") == (b.From == ""):
		return nil, errors.New("basic_auth: give either username or username_from")
	case b.From != "" && b.From != "id" && b.From != "username" && b.From != "email":
		return nil, fmt.Errorf("basic_auth: username_from %q: use id, username or email", b.From)
	case !plainText(b.Password):
		return nil, errors.New("basic_auth: the password holds a control character or is not UTF-8")
	}
	return &b, checkBasicName(b.Username)
}

// A colon would end the name, and make the rest of it a part of the password.
func checkBasicName(name string) error {
	if strings.Contains(name, ":") || !plainText(name) {
		return errors.New("basic_auth: the user name holds a colon or a control character, or is not UTF-8")
	}
	return nil
}

// Authorization is the value of the header that speaks for p; nothing speaks for an anonymous one.
func (b *Basic) Authorization(p auth.Principal) (string, error) {
	if p.Anonymous() {
		return "", nil
	}
	name := b.Username
	switch b.From {
	case "id":
		name = p.ID
	case "username":
		name = p.Username
	case "email":
		name = p.Email
	}
	if err := checkBasicName(name); err != nil {
		return "", err
	}
	if name == "" {
		return "", fmt.Errorf("basic_auth: the user has no %s", b.From)
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+b.Password)), nil
}
