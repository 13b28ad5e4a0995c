// Package signing is Django's core/signing.py and utils/crypto.py: timestamped signatures and salted HMACs.
package signing
