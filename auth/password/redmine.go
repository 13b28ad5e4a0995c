package password

import "strings"

// redmine is Redmine's pair of columns put together as redmine$SALT$HASHED_PASSWORD by the query that reads the table (app/models/user.rb
// hash_password): SHA1(salt + SHA1(password)), both in hex.
type redmine struct{ readOnly }

func newRedmine() Hasher { return redmine{readOnly{"redmine"}} }

func (redmine) Recognizes(encoded string) bool { return strings.HasPrefix(encoded, "redmine$") }

func (f redmine) Verify(password, encoded string) (bool, error) {
	salt, digest, _ := strings.Cut(strings.TrimPrefix(encoded, "redmine$"), "$")
	if len(digest) != 40 || !only(digest, hexDigits) {
		return false, f.malformed("not of the form redmine$SALT$HASH")
	}
	return equal(digest, sha1Hex(salt+sha1Hex(password))), nil
}
