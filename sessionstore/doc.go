// Package sessionstore is Django's session object for Go: the same keys, the same data, the same rules for expiry, in the same stores. It
// knows nothing of HTTP, SQL or Redis; the stores in the folders below do.
//
// A [Store] keeps records under keys. [Sessions] opens the [Session] of a key that a client presented, and a Session is what a program
// works with: [Session.Set], [Session.Get], [Session.Delete], [Session.Clear], [Session.SetExpiry], then [Session.Save].
//
// Three rules hold whatever the store is:
//
//   - A key that a client presents is never adopted. Open of an unknown one gives an empty session without key; the first Save makes a
//     key. After a login call [Session.CycleKey], so that a key from before is worth nothing; at a logout [Session.Flush].
//   - Nothing brings an ended session back: a Save after a logout elsewhere is [ErrGone].
//   - A store that cannot be asked is an error, never an empty session.
//
// Save writes all of the session, as Django does, so of two that save the same session the last one wins. [Session.Merge] writes what was
// changed, and [Sessions.Change] reads, changes and writes in one step; neither loses what others write at the same moment.
//
// Stores: dbstore (SQLite, PostgreSQL, MySQL), filestore, cachestore (Redis, memcached), cacheddbstore (a table behind a cache) and cookiestore
// (signed cookies). A new one has five methods; package storetest says whether they are right.
package sessionstore
