package config

// What keys say in field.atStart; cmd keeps them as they are until then.
const (
	everyChange = "no: at the next start"
	switchTLS   = "yes; TLS is switched on or off at the next start"
)

// table is every key there is, in the order in which it is shown. A key has its struct field in config.go; a test holds the
// two together.
func table() []field {
	return withTwins([]field{
		{name: "listen", initial: `":8080"`, check: listenAddress, atStart: everyChange, doc: "address and port for browsers"},
		{name: "admin_listen", initial: `"127.0.0.1:9091"`, check: optional(listenAddress), atStart: everyChange, doc: `/healthz, /readyz, /metrics; "" switches them off`},
		{name: "data_dir", initial: `"./coatcheck-data"`, check: directory, atStart: everyChange, doc: "SQLite file, generated secret key (0600), certificates"},
		{name: "proxy_protocol", kind: kindBool, initial: "false", atStart: everyChange, doc: "trusted_proxies announce the client by the PROXY protocol (version 1 or 2)"},
		{name: "public_url", initial: `""`, check: optional(publicURL), doc: "https://app.example.com; when set, redirects and cookie flags follow it"},
		{name: "trusted_proxies", kind: kindPrefixes, initial: "[]", doc: "networks whose X-Forwarded-* is believed; empty = nobody"},
		{name: "auth_prefix", initial: `"/.auth"`, check: prefixPath, doc: "where our own pages are"},
		{name: "secret_key", kind: kindSecret, initial: `""`, doc: "Django's SECRET_KEY; made on first start in data_dir when not given"},
		{name: "secret_key_fallbacks", kind: kindSecrets, initial: "[]", doc: "former keys: still read, never written with"},
		{name: "first_user", kind: kindBool, initial: "false", doc: "make a first user where there is none; without a file, serve does so anyway"},
		{name: "shutdown_grace", kind: kindDuration, initial: "15s", doc: "how long running requests may take after SIGTERM"},
		{name: "fast_lane", kind: kindChoice, choices: []string{"auto", "off"}, initial: "auto", doc: "auto: plain GET and HEAD without TLS are served by a server of our own; off: net/http serves all"},
		{name: "fold_paths", kind: kindBool, initial: "false", doc: "compare the paths of routes without case"},
		{name: "upstream", kind: kindUpstreams, initial: `""`, check: optional(upstreamURL), sample: "http, https, h2c, unix:/path, fcgi://host:port or fcgi+unix:/path, such as http://127.0.0.1:3000; none: another proxy asks and forwards itself\n(forward-auth); empty: the built-in demo\n", doc: "short for one route: path /, access login; else for routes that name none"},
		{name: "routes", kind: kindSections, initial: "[]", fields: routeFields(), sample: routeSample, doc: "longest path prefix wins, whole segments; hosts are matched first"},
		{name: "database", kind: kindSection, fields: databaseFields(), doc: "where sessions and users are"},
		{name: "cache", kind: kindSection, fields: cacheFields(), doc: "for the session engines cache and cached_db"},
		{name: "session", kind: kindSection, fields: sessionFields(), doc: "Django's SESSION_... settings, and what goes beyond them"},
		{name: "users", kind: kindSection, fields: userFields(), doc: "the user table"},
		{name: "login", kind: kindSection, fields: loginFields(), doc: "the login page and its limits"},
		{name: "identity", kind: kindSection, fields: identityFields(), doc: "how the upstream is told who asks"},
		{name: "connection", kind: kindSection, fields: connectionFields(), doc: "how upstreams are connected to"},
		{name: "fastcgi", kind: kindSection, fields: fastcgiFields(), doc: "for upstreams fcgi:// and fcgi+unix:"},
		{name: "balance", kind: kindSection, fields: balanceFields(), doc: "for lists of upstreams"},
		{name: "session_api", kind: kindSection, doc: "where applications read and write their sessions", fields: []field{
			{name: "listen", initial: `""`, check: optional(listenOrSocket), atStart: everyChange, doc: "127.0.0.1:9092 or unix:/path; off when empty"},
		}},
		{name: "tls", kind: kindSection, fields: tlsFields(), doc: "certificates: made by ACME, or files"},
		{name: "log", kind: kindSection, doc: "what the program says about itself", fields: []field{
			{name: "level", kind: kindChoice, choices: []string{"debug", "info", "warn", "error"}, initial: "info", doc: "debug, info, warn or error; error writes no access records"},
			{name: "format", kind: kindChoice, choices: []string{"auto", "text", "json"}, initial: "auto", doc: "auto = text on a terminal, JSON otherwise"},
			{name: "audit", initial: `""`, check: optional(printable), doc: "where security events go, as JSON: a file (opened anew by SIGHUP) or stderr; empty = with the log"},
			{name: "audit_required", kind: kindBool, initial: "false", doc: "true: while they cannot be written, logins, logouts and requests of users are answered 503; false: they wait, and are dropped and counted"},
		}},
		{name: "trace", kind: kindSection, doc: "W3C trace context; the trace id is in the log", fields: []field{
			{name: "accept", kind: kindChoice, choices: []string{"all", "trusted"}, initial: "all", doc: "whose traceparent is passed on: of all, or of trusted_proxies alone"},
			{name: "create", kind: kindBool, initial: "false", doc: "make one where none is passed on, marked as sampled"},
		}},
	})
}

const routeSample = ` - host: ""                        # empty: any
   path: /
   methods: []                     # empty: any
   upstream: http://127.0.0.1:3000 # http, https, h2c, unix:/path, fcgi://host:port or fcgi+unix:/path; a list balances
   strip_prefix: false
   access: login                   # login | optional (identity if there is one) | public | deny
   users: []                       # with access login, any of users, groups, staff, superuser
   groups: []
   staff: false
   superuser: false
   networks: []                    # source networks that may pass at all
   share_session: false            # let the session cookie through to the upstream (a Django that shares it)
   anonymous_session: false        # visitors get an id (identity value visitor) before they log in, and a session that keeps it
   touch: true                     # false: polling here does not count as activity
   max_auth_age: 0                 # send users to the login page again whose login is older; 0 = a login of any age will do
   session_api: false              # give the application a token for the session API
   basic: false                    # scripts may log in by HTTP Basic with each request
   websocket_origins: []           # other origins whose pages may open WebSockets here with a visitor's session
   preflight: false                # let CORS preflights through without a login
   max_body: 0                     # largest request body, in bytes; 0 = no limit
   trailers: false                 # let the trailers of answers through
   timeout: 5m                     # how long the upstream may take until its answer begins; 0 = for ever
   headers:                        # changes to what passes: {set: [{name: X-A, value: b}], remove: [X-C]}
     request: {}
     response: {}
   rewrite_redirects: false        # an upstream's redirect to itself becomes one to the address browsers know
   rewrite_cookie_path: false      # with strip_prefix: the upstream's cookies belong to the path of the route
   identity: {}                    # overrides of the section below
   connection: {}                  # likewise
   fastcgi: {}                     # likewise
   balance: {}                     # likewise
`

func routeFields() []field {
	return []field{
		{name: "host", initial: `""`, check: optional(hostName), doc: "host name without port; empty: any"},
		{name: "path", initial: "/", check: routePath, doc: "path prefix, whole segments"},
		{name: "methods", kind: kindTexts, initial: "[]", check: method, doc: "request methods; empty: any"},
		{name: "upstream", kind: kindUpstreams, initial: `""`, check: optional(upstreamURL), doc: "http, https or unix:/path; the upstream above when empty"},
		{name: "strip_prefix", kind: kindBool, initial: "false", doc: "take the path of the route off before forwarding"},
		{name: "access", kind: kindChoice, choices: []string{"login", "optional", "public", "deny"}, initial: "login", doc: "login, optional (identity if there is one), public or deny"},
		{name: "users", kind: kindTexts, initial: "[]", check: notEmpty, doc: "with access login, any of users, groups, staff, superuser"},
		{name: "groups", kind: kindTexts, initial: "[]", check: notEmpty, doc: "with access login: groups whose members may pass"},
		{name: "staff", kind: kindBool, initial: "false", doc: "with access login: staff may pass"},
		{name: "superuser", kind: kindBool, initial: "false", doc: "with access login: superusers may pass"},
		{name: "networks", kind: kindPrefixes, initial: "[]", doc: "source networks that may pass at all; empty: all"},
		{name: "share_session", kind: kindBool, initial: "false", doc: "let the session cookie through to the upstream (a Django that shares it)"},
		{name: "anonymous_session", kind: kindBool, initial: "false", doc: "visitors get an id (identity value visitor) before they log in, and a session that keeps it"},
		{name: "touch", kind: kindBool, initial: "true", doc: "false: polling here does not count as activity"},
		{name: "max_auth_age", kind: kindDuration, initial: "0", doc: "send users to the login page again whose login is older; 0 = a login of any age will do"},
		{name: "session_api", kind: kindBool, initial: "false", doc: "give the application a token for the session API"},
		{name: "basic", kind: kindBool, initial: "false", doc: "scripts may log in by HTTP Basic with each request"},
		{name: "websocket_origins", kind: kindTexts, initial: "[]", check: publicURL, doc: "other origins whose pages may open WebSockets here with a visitor's session"},
		{name: "preflight", kind: kindBool, initial: "false", doc: "let CORS preflights through without a login"},
		{name: "max_body", kind: kindInt, high: 1 << 50, initial: "0", doc: "largest request body, in bytes; 0 = no limit"},
		{name: "trailers", kind: kindBool, initial: "false", doc: "let the trailers of answers through"},
		{name: "timeout", kind: kindDuration, initial: "5m", doc: "how long the upstream may take until its answer begins; 0 = for ever"},
		{name: "headers", kind: kindSection, doc: "changes to what passes", fields: []field{
			{name: "request", kind: kindSection, fields: changeFields(), doc: "of requests to the upstream"},
			{name: "response", kind: kindSection, fields: changeFields(), doc: "of its answers"},
		}},
		{name: "rewrite_redirects", kind: kindBool, initial: "false", doc: "an upstream's redirect to itself becomes one to the address browsers know"},
		{name: "rewrite_cookie_path", kind: kindBool, initial: "false", doc: "with strip_prefix: the upstream's cookies belong to the path of the route"},
		{name: "identity", kind: kindSection, fields: identityFields(), doc: "overrides of the section identity"},
		{name: "connection", kind: kindSection, fields: connectionFields(), doc: "overrides of the section connection"},
		{name: "fastcgi", kind: kindSection, fields: fastcgiFields(), doc: "overrides of the section fastcgi"},
		{name: "balance", kind: kindSection, fields: balanceFields(), doc: "overrides of the section balance"},
	}
}

func changeFields() []field {
	return []field{
		{name: "set", kind: kindSections, initial: "[]", doc: "[{name: X-Environment, value: production}, ...]; no secrets: config show prints them", fields: []field{
			{name: "name", check: headerName, initial: `""`, doc: "name of the header"},
			{name: "value", check: headerText, initial: `""`, doc: "what it is set to"},
		}},
		{name: "remove", kind: kindTexts, initial: "[]", check: headerName, doc: "names of headers"},
	}
}

func databaseFields() []field {
	return []field{
		{name: "url", kind: kindSecret, initial: `""`, check: databaseURL, doc: "sqlite:PATH | postgres://... | mysql://...; default sqlite in data_dir"},
		{name: "time_zone", initial: "UTC", check: timeZone, doc: "of dates in SQLite and MySQL; a Django with USE_TZ off keeps its own TIME_ZONE there"},
		{name: "triggers", kind: kindChoice, choices: []string{"auto", "on", "off"}, initial: "auto", doc: "on PostgreSQL, what tells other processes of changes: auto = on tables that we make; on = on Django's, too"},
	}
}

func cacheFields() []field {
	return []field{
		{name: "url", kind: kindSecret, initial: `""`, check: cacheURL, doc: "redis:// | rediss:// | redis-sentinel:// | redis-cluster:// | memcached://h1:11211,h2:11211"},
		{name: "key_prefix", initial: `""`, check: optional(printable), doc: "Django's KEY_PREFIX"},
		{name: "version", kind: kindInt, high: 1 << 31, initial: "1", doc: "Django's VERSION"},
		{name: "ca_file", initial: `""`, check: optional(readableFile), doc: "PEM certificates of the authority that a TLS server's must come from; empty = the system's"},
	}
}

func tlsFields() []field {
	return []field{
		{name: "domains", kind: kindTexts, initial: "[]", check: hostName, atStart: switchTLS, doc: "names to get certificates for by ACME"},
		{name: "email", initial: `""`, check: optional(printable), doc: "for the certificate authority's notices"},
		{name: "ca", initial: `""`, check: optional(directoryURL), doc: "directory URL, e.g. of a private ACME server"},
		{name: "storage", kind: kindChoice, choices: []string{"file", "redis", "database"}, initial: "file", doc: "file, redis or database: shared by a fleet"},
		{name: "ca_root", initial: `""`, doc: "PEM file of the roots to trust when talking to a private ca; empty: the system's"},
		{name: "cert_file", initial: `""`, atStart: switchTLS, doc: "certificate chain, PEM; a renewed one is noticed"},
		{name: "key_file", initial: `""`, doc: "its private key, PEM"},
		{name: "http_listen", initial: "auto", check: httpListen, atStart: everyChange, doc: `where http is sent on to https and the authority asks; auto: ":80" with domains, else off; "": off`},
		{name: "hsts", kind: kindDuration, initial: "365d", doc: "Strict-Transport-Security; 0 leaves it out"},
		{name: "on_demand", kind: kindSection, fields: onDemandFields(), doc: "certificates for names that are not in domains, when a browser first asks for them"},
		{name: "client_ca_file", initial: `""`, check: optional(readableFile), doc: "PEM certificates of the authorities that vouch for clients; a changed file is noticed"},
		{name: "client_auth", kind: kindChoice, choices: []string{"off", "request", "require"}, initial: "off", doc: "certificates of clients: off, request (none is fine, a wrong one is not), require"},
	}
}

func onDemandFields() []field {
	return []field{
		{name: "ask", initial: `""`, check: optional(askRule), doc: `which names: routes (the hosts of routes), or a URL that is asked with ?domain=NAME and answers 2xx; "": none`},
	}
}
