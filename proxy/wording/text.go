package wording

// Text is a key of the catalogue and the values that go with it.
type Text struct {
	Key    string
	Values Values
}

// In says the text in a language.
func (t Text) In(l *Language) string { return l.Say(t.Key, t.Values) }

// Reason is an error that people read in their language, as a value of another text, and the log in English.
type Reason struct{ Text }

// Because returns the error that the text under key says.
func Because(key string, values Values) error { return &Reason{Text{Key: key, Values: values}} }

func (r *Reason) Error() string { return r.In(English()) }
