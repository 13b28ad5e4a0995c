package sessionstore

// Session is one visitor's session.
type Session struct{}
