// Package codec turns session data into the bytes that Django's engines keep, and back.
package codec
