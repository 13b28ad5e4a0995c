// Package testenv starts real servers for tests: PostgreSQL, MariaDB, Redis, memcached, a Django project, Radicale,
// PHP-FPM, DokuWiki, fcgiwrap, nginx, Caddy, and finds Chromium. Only tests import it.
//
// Every server listens on a free loopback port, lives in a temporary folder of its own and ends with its test; the
// database servers are shared by the tests of one process and end with the process, however it ends. A program that is not
// installed skips the test, or fails it where the environment variable CI is "true".
package testenv
