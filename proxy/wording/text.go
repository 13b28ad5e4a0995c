package wording

// Text is a key of the catalogue and the values that go with it.
type Text struct {
	Key    string
	Values Values
}

// In says the text in a language.
func (t Text) In(l *Language) string { return l.Say(t.Key, t.Values) }
