package config

func sessionFields() []field {
	return []field{
		{name: "engine", kind: kindChoice, choices: []string{"db", "file", "cache", "cached_db", "signed_cookies"}, initial: "db", doc: "db, file, cache, cached_db or signed_cookies"},
		{name: "cookie_name", initial: "sessionid", check: token, doc: "SESSION_COOKIE_NAME; a __Host- name is possible"},
		{name: "cookie_age", kind: kindDuration, initial: "336h", doc: "SESSION_COOKIE_AGE (1209600)"},
		{name: "cookie_domain", initial: `""`, check: optional(cookieDomain), doc: "SESSION_COOKIE_DOMAIN; empty: this host alone"},
		{name: "cookie_path", initial: "/", check: cookiePath, doc: "SESSION_COOKIE_PATH"},
		{name: "cookie_secure", kind: kindChoice, choices: autoBool, initial: "auto", doc: "auto, true or false; auto = when the browser came by https"},
		{name: "cookie_httponly", kind: kindBool, initial: "true", doc: "SESSION_COOKIE_HTTPONLY"},
		{name: "cookie_samesite", kind: kindChoice, choices: []string{"Lax", "Strict", "None", ""}, initial: "Lax", doc: `Lax, Strict, None, or "" for no attribute`},
		{name: "expire_at_browser_close", kind: kindBool, initial: "false", doc: "SESSION_EXPIRE_AT_BROWSER_CLOSE"},
		{name: "save_every_request", kind: kindBool, initial: "false", doc: "SESSION_SAVE_EVERY_REQUEST"},
		{name: "file_path", initial: `""`, doc: "SESSION_FILE_PATH, for engine file"},
		{name: "preset", kind: kindChoice, choices: []string{"", "aal1", "aal2", "aal3"}, initial: `""`, doc: "limits of NIST SP 800-63B: aal1 = max_lifetime 30d, aal2 = 24h and idle_timeout 1h, aal3 = 12h and 15m; the keys win"},
		{name: "idle_timeout", kind: kindDuration, initial: "0", doc: "beyond Django: ends after this long without activity; 0 = never"},
		{name: "max_lifetime", kind: kindDuration, initial: "0", doc: "beyond Django: ends this long after login, whatever the activity; 0 = never"},
		{name: "max_per_user", kind: kindInt, high: 1 << 20, initial: "0", doc: "beyond Django: oldest goes first; 0 = no limit"},
		{name: "time_left_header", initial: `""`, check: optional(headerName), doc: "name of a header that tells browsers in how many seconds the session ends, such as X-Session-Expires-In; empty: none"},
		{name: "near_cache", initial: "auto", check: nearCache, doc: "auto, off, or a duration: sessions and users kept in this process's memory; a duration is how long where no change can be heard (MySQL, memcached)"},
		{name: "near_cache_entries", kind: kindInt, low: 1, high: 1 << 31, initial: "100000", doc: "how many, at most"},
		{name: "near_cache_bytes", kind: kindInt, high: 1 << 50, initial: "0", doc: "how much memory, at most, in bytes; 0 = as the entries need"},
	}
}

// Values that are either a decision or left to us.
var autoBool = []string{"auto", "true", "false"}

func userFields() []field {
	return []field{
		{name: "url", kind: kindSecret, initial: `""`, check: databaseURL, doc: "the database of the users, when it is not database.url"},
		{name: "table", initial: "auth_user", check: identifier, doc: "or your own table and columns"},
		{name: "columns", kind: kindSection, fields: columnFields(), doc: "the table's columns"},
		{name: "groups_query", initial: `""`, doc: "default: Django's auth_group tables"},
		{name: "query", initial: `""`, doc: "or one SELECT with a :login placeholder, for schemas that need a join"},
		{name: "password_formats", kind: kindFormats, choices: passwordFormats, initial: "auto", doc: "auto: Django's default list for Django's table, otherwise all but plain and unsalted ones; or a list"},
		{name: "upgrade_passwords", kind: kindChoice, choices: autoBool, initial: "auto", doc: "auto: only where the table is ours; each write ends the user's sessions"},
		{name: "password_validators", kind: kindTexts, initial: "[length, similarity, common, numeric]", check: validator, doc: "rules for the passwords that users choose on their account page, as Django has them; [] = none"},
		{name: "password_min_length", kind: kindInt, low: 1, high: 128, initial: "8", doc: "for length: the fewest characters"},
		{name: "backends", kind: kindTexts, initial: "[]", check: notEmpty, doc: "AUTHENTICATION_BACKENDS whose sessions count beside those of Django's ModelBackend"},
	}
}

// The names Django stores before the first $, and for tables of other origin the names auth/password gives their formats.
var passwordFormats = []string{
	"pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt", "md5", "sha1", "unsalted_md5", "unsalted_sha1", "crypt", "plain",
	"crypt_bcrypt", "phc_argon2", "phc_scrypt", "phc_pbkdf2", "crypt_yescrypt", "crypt_sha512", "crypt_sha256", "crypt_md5", "crypt_apr1", "crypt_des",
	"ldap_ssha512", "ldap_ssha256", "ldap_ssha", "ldap_sha", "ldap_crypt", "wordpress", "phpass",
	"mediawiki_pbkdf2", "mediawiki_bcrypt", "mediawiki_b", "mediawiki_a", "redmine",
	"all", // every one but plain and unsalted ones
}

func columnFields() []field {
	column := func(name, initial, doc string) field {
		return field{name: name, initial: initial, check: optional(identifier), doc: doc}
	}
	return []field{
		column("id", "id", "the primary key, of any type"),
		column("username", "username", "what people log in with"),
		column("password", "password", "the encoded password"),
		column("email", "email", "shown to the upstream alone"),
		column("first_name", "first_name", "with last_name the full name"),
		column("last_name", "last_name", "with first_name the full name"),
		column("active", "is_active", "false: may not log in"),
		column("staff", "is_staff", "for routes with staff: true"),
		column("superuser", "is_superuser", "for routes with superuser: true"),
		column("last_login", "last_login", "written at each login"),
	}
}

func loginFields() []field {
	return []field{
		{name: "title", initial: `""`, check: optional(printable), doc: "shown on the page"},
		{name: "logo", initial: `""`, check: optional(image), doc: "an image file shown above it: SVG, PNG, JPEG, GIF or WebP, at most 1 MiB"},
		{name: "text", initial: `""`, check: optional(printable), doc: "a line of text below it"},
		{name: "accent", initial: `""`, check: optional(colour), doc: "colour of buttons and links, such as \"#3556c4\"; one that people cannot read is refused"},
		{name: "templates", initial: `""`, check: optional(directory), doc: "a folder whose files replace those of our pages: login.html, style.css, ..."},
		{name: "remember_me", kind: kindBool, initial: "true", doc: "offer it on the page"},
		{name: "max_attempts", kind: kindInt, high: 1 << 20, initial: "5", doc: "per account and address, then growing delays; 0 switches the throttle off"},
		{name: "hash_concurrency", kind: kindInt, high: 1 << 12, initial: "0", doc: "passwords checked at once; 0 = number of cores"},
	}
}

func identityFields() []field {
	return []field{
		{name: "preset", kind: kindChoice, choices: []string{"remote", "x-forwarded", "x-auth-request", "x-webauth", "none"}, initial: "remote", doc: "remote, x-forwarded, x-auth-request, x-webauth or none"},
		{name: "headers", kind: kindSections, initial: "[]", doc: "[{name: Remote-User, value: username}, ...]; values: id, username, email, name, groups, staff, superuser, session:KEY", fields: headerFields()},
		{name: "group_separator", initial: `","`, check: printable, doc: "between the names of groups"},
		{name: "jwt", kind: kindSection, doc: "signed assertion with JWKS at /.auth/jwks.json", fields: []field{
			{name: "header", initial: `""`, check: optional(headerName), doc: "name of the header; off when empty"},
			{name: "ttl", kind: kindDuration, initial: "60s", doc: "how long an assertion is good"},
		}},
		{name: "basic_auth", kind: kindSection, doc: "Basic credentials for applications that want them; a client's own are dropped then", fields: []field{
			{name: "username", initial: `""`, check: optional(basicName), doc: "one user name for everybody"},
			{name: "username_from", kind: kindChoice, choices: []string{"", "username", "email", "id"}, initial: `""`, doc: "or the visitor's own: username, email or id"},
			{name: "password", kind: kindSecret, initial: `""`, check: optional(printable), doc: "the password that goes with it"},
		}},
	}
}

func headerFields() []field {
	return []field{
		{name: "name", check: headerName, initial: `""`, doc: "name of the header"},
		{name: "value", check: identityValue, initial: `""`, doc: "id, username, email, name, groups, staff, superuser or session:KEY"},
	}
}
