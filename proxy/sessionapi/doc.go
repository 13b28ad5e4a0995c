// Package sessionapi lets applications in any language read and write the session of a request, over HTTP.
//
// On a route that allows it, the application receives X-Session-Token and shows it as "Authorization: Bearer" to a listener of its
// own:
//
//	GET    /session        all names and values, and when the session ends
//	DELETE /session        flush: the session ends, and with it the login
//	GET    /session/NAME   one value, as JSON
//	PUT    /session/NAME   sets it
//	DELETE /session/NAME   removes it
//	GET    /expiry         when the session ends
//	PUT    /expiry         Django's set_expiry: seconds, 0 (with the browser), an ISO date, or null (the default)
//
// Names that begin with "_" belong to Django and to the proxy: they are not shown and cannot be written. Requests that write different
// names lose nothing of one another; who wants to build on what was read sends its ETag as If-Match.
//
// A visitor without a session gets one with the first PUT, and the cookie with the answer of the application.
package sessionapi
