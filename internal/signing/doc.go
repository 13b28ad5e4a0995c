// Package signing is Django's core/signing.py and utils/crypto.py: timestamped signatures and salted HMACs.
//
// The algorithm is fixed (HMAC-SHA256; the SHA-1 of old releases only where a caller asks for it), the keys come from
// the configuration, and the salt keeps one use of a key apart from every other.
package signing
