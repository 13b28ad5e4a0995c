package auth

import "coatcheck/sessionstore"

// UserID returns the id of the user that a session says it belongs to, unchecked; false for an anonymous one.
func UserID(session *sessionstore.Session) (id string, ok bool) { return userID(session) }
