// Package codec turns session data into the bytes that Django's engines keep, and back: [Signed] for the database, files
// and signed cookies, [Pickled] for caches.
//
// A decoder returns an error for whatever it does not trust or understand; where Django shows an empty session, a store
// makes a *sessionstore.RefusedError of it. Limits: those of internal/pyvalue.
package codec
