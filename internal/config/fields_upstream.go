package config

func connectionFields() []field {
	return []field{
		{name: "dial_timeout", kind: kindDuration, initial: "5s", doc: "for making a connection, TLS included"},
		{name: "stall_timeout", kind: kindDuration, initial: "0", doc: "longest silence inside an answer; 0 = no limit, as event streams need"},
		{name: "idle_timeout", kind: kindDuration, initial: "90s", doc: "how long an unused connection stays open"},
		{name: "max_conns", kind: kindInt, high: 1 << 20, initial: "0", doc: "requests with one upstream at a time; 0 = no limit"},
		{name: "queue_timeout", kind: kindDuration, initial: "5s", doc: "how long a request above max_conns waits for its turn"},
		{name: "ca_file", initial: `""`, check: optional(readableFile), doc: "https: certificates (PEM) that may sign the upstream's; empty = the system's"},
		{name: "cert_file", initial: `""`, check: optional(readableFile), doc: "https: our own certificate (PEM), with key_file"},
		{name: "key_file", initial: `""`, check: optional(readableFile), doc: "https: the key (PEM) of cert_file"},
		{name: "server_name", initial: `""`, check: optional(printable), doc: "https: the name on the upstream's certificate; empty = the host of its URL"},
	}
}

func fastcgiFields() []field {
	return []field{
		{name: "root", initial: `""`, check: optional(printable), doc: "document root as the application sees it; required with fcgi"},
		{name: "index", initial: "index.php", check: printable, doc: "script of a folder"},
		{name: "fallback", initial: `""`, check: optional(printable), doc: "script of all paths that name none, such as /index.php of a front controller"},
		{name: "local", kind: kindBool, initial: "false", doc: "root is the same folder here: scripts are looked up before they are asked for"},
		{name: "static", kind: kindBool, initial: "false", doc: "serve the files below root that pages need: images, styles, scripts for browsers; root is the same folder here"},
		{name: "static_endings", kind: kindTexts, initial: "[]", check: ending, doc: "of the names of those files; empty = css, js, png, jpg, svg, woff2, mp4, pdf, html and their kin"},
		{name: "script", initial: `""`, check: optional(absolutePath), doc: "the one CGI program for every path, behind fcgiwrap, such as /usr/lib/cgit/cgit.cgi"},
		{name: "buffer_body", kind: kindInt, high: 1 << 30, initial: "1048576", doc: "largest request body without a length, in bytes"},
		{name: "keep_alive", kind: kindBool, initial: "false", doc: "keep connections; each occupies a worker of PHP-FPM"},
		{name: "keep_authorization", kind: kindBool, initial: "false", doc: "let the client's Basic and Digest credentials through beside REMOTE_USER"},
	}
}

func balanceFields() []field {
	return []field{
		{name: "policy", kind: kindChoice, choices: []string{"least_connections", "round_robin"}, initial: "least_connections", doc: "least_connections or round_robin"},
		{name: "affinity_cookie", initial: `""`, check: optional(headerName), doc: "name of a cookie that keeps a browser with one upstream; empty = none"},
		{name: "max_fails", kind: kindInt, low: 1, high: 1000, initial: "1", doc: "failed connections in a row after which one is left out"},
		{name: "fail_time", kind: kindDuration, initial: "1s", doc: "for how long, doubled with each further failure"},
		{name: "max_fail_time", kind: kindDuration, initial: "1m", doc: "at most"},
		{name: "slow_start", kind: kindDuration, initial: "0", doc: "how long one that is back gets less than its share"},
		{name: "check", kind: kindSection, doc: "asking whether they are well", fields: []field{
			{name: "path", initial: `""`, check: optional(cleanPath), doc: "to be answered with 200 to 399; empty = nobody is asked"},
			{name: "host", initial: `""`, check: optional(printable), doc: "Host of the question; empty = the upstream's"},
			{name: "interval", kind: kindDuration, initial: "10s", doc: "time between two questions"},
			{name: "timeout", kind: kindDuration, initial: "5s", doc: "for an answer"},
		}},
	}
}
