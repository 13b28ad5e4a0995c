package auth

import "sync/atomic"

// maxRemembered bounds what is remembered of one principal, by number; the oldest goes first.
const maxRemembered = 16

// OfUser returns what compute returns, and remembers it under key for as long as the user's row stands as it is, for all sessions of
// the user: only what follows from the principal's own fields and the configuration belongs here. The key is a pointer to who asks, so that
// nobody meets another's. Nothing is remembered of the anonymous principal, nor where rows are not kept in memory.
//
// compute may run more than once at the same time; what it returns is shared by requests and must not be changed.
func (p *Principal) OfUser(key any, compute func() any) any { return p.ofUser.get(key, compute) }

// OfSession is OfUser for what follows from the session data, too: it is remembered as long as both row and data stand as they are.
func (p *Principal) OfSession(key any, compute func() any) any { return p.ofSession.get(key, compute) }

// remembered is a short list that is replaced as a whole. Safe for concurrent use; a nil one remembers nothing.
type remembered struct {
	list atomic.Pointer[[]memo]
}

type memo struct{ key, value any }

func (r *remembered) get(key any, compute func() any) any {
	if r == nil {
		return compute()
	}
	if old := r.list.Load(); old != nil {
		for i := range *old {
			if (*old)[i].key == key {
				return (*old)[i].value
			}
		}
	}
	value := compute()
	r.add(memo{key, value})
	return value
}

// add gives up when others are adding, too: it is only remembered.
func (r *remembered) add(m memo) {
	old := r.list.Load()
	var kept []memo
	if old != nil {
		kept = *old
	}
	if len(kept) == maxRemembered {
		kept = kept[1:]
	}
	list := append(make([]memo, 0, len(kept)+1), kept...)
	list = append(list, m)
	r.list.CompareAndSwap(old, &list)
}
