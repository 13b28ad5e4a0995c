// Package feed hears of the changes that other processes make in stores, and tells those who keep copies in memory.
package feed

import "time"

// Followers are told what a feed hears.
type Followers []Follower

// Follower keeps copies.
type Follower interface {
	// Told drops the copy of what the feed calls name.
	Told(name string)
	// ForgetAll drops every copy: the feed does not know what was changed.
	ForgetAll()
}

// ForgetAll tells all of them.
func (f Followers) ForgetAll() {
	for _, one := range f {
		one.ForgetAll()
	}
}

// State is how a feed is, for operators.
type State struct {
	Of    string // what it is of: sessions or users
	Heard bool
	Age   time.Duration // since the latest sign of life
}
