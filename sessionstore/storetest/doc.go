// Package storetest is the conformance suite of session stores: one set of tests that every store and every decorator passes, and
// Django itself as the peer that reads what they wrote and writes what they read.
package storetest
