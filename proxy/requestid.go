package proxy

import (
	"crypto/rand"
	"sync"
)

const (
	// maxRequestID is the longest X-Request-Id taken from a trusted proxy, in bytes.
	maxRequestID = 128
	// lenRequestID characters of five bits each are more than 128 bits, as those of [crypto/rand.Text] are.
	lenRequestID = 26
	// idsPerRead are made of one read of random bytes: the kernel is asked once for all of them.
	idsPerRead = 64
)

// base32 is the alphabet of RFC 4648.
const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// requestIDs makes request ids. They are no secret: they are shown in error pages. nil makes each by itself. Safe for concurrent use.
type requestIDs struct {
	mu   sync.Mutex
	left []byte // the rest of room
	room [idsPerRead * lenRequestID]byte
}

// requestID is the id a trusted proxy gave, if it is plain, or a fresh one.
func requestID(lines []string, trusted bool) string { return (*requestIDs)(nil).of(lines, trusted) }

func (ids *requestIDs) of(lines []string, trusted bool) string {
	if trusted && len(lines) == 1 && plainID(lines[0]) {
		return lines[0]
	}
	if ids == nil {
		return rand.Text()
	}
	return ids.next()
}

func (ids *requestIDs) next() string {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	if len(ids.left) == 0 {
		ids.left = ids.room[:]
		_, _ = rand.Read(ids.left) // never fails (crypto/rand.Read)
	}
	id := ids.left[:lenRequestID]
	ids.left = ids.left[lenRequestID:]
	for i, b := range id {
		id[i] = base32[b%32]
	}
	return string(id)
}

func plainID(id string) bool {
	for i := range len(id) {
		c := id[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return id != "" && len(id) <= maxRequestID
}
