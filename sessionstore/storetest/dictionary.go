package storetest

import (
	"slices"
	"testing"

	"coatcheck/internal/pyvalue"
)

// dictionary holds lines 1 to 14, 79 and 80; what Python's dict does in one call (pop, setdefault, update) is two of ours.
func (h Harness) dictionary(t *testing.T) {
	h.each(t, map[string]func(*desk){
		"1 new session": func(d *desk) { d.state(d.open(""), false, false) },
		"2 get of an absent name": func(d *desk) {
			if v, ok := d.open("").Get("absent"); ok || v != nil {
				d.Errorf("Get = %v, %v", v, ok)
			}
		},
		"3 set": func(d *desk) {
			s := d.open("")
			d.set(s, "some key", "exists")
			d.state(s, true, true)
			if got, ok := s.GetString("some key"); got != "exists" || !ok {
				d.Errorf("GetString = %q, %v", got, ok)
			}
		},
		"4 delete of a present name": func(d *desk) {
			s := d.open(d.saved().Key())
			if !s.Delete("x") {
				d.Error("Delete says it was absent")
			}
			d.state(s, true, true)
			if _, ok := s.Get("x"); ok {
				d.Error("still there")
			}
		},
		"5, 6, 7 delete of an absent name": func(d *desk) {
			s := d.open("")
			if s.Delete("absent") {
				d.Error("Delete says it was there")
			}
			d.state(s, true, false)
		},
		"8 a value once set stays": func(d *desk) {
			s := d.open("")
			d.set(s, "foo", "bar")
			if got, _ := s.GetString("foo"); got != "bar" {
				d.Errorf("GetString = %q", got)
			}
			d.state(s, true, true)
		},
		"9 set replaces and keeps the order": func(d *desk) {
			s := d.open("")
			for _, name := range []string{"b", "a", "b"} {
				d.set(s, name, 1)
			}
			if got := names(s.All()); !slices.Equal(got, []string{"b", "a"}) {
				d.Errorf("names %q", got)
			}
		},
		"10 membership": func(d *desk) {
			s := d.open(d.saved().Key())
			if _, ok := s.Get("x"); !ok {
				d.Error("x is absent")
			}
			d.state(s, true, false)
		},
		"11, 12, 13 values, names, items": func(d *desk) {
			if got := names(d.open("").All()); len(got) > 0 {
				d.Errorf("a new session holds %q", got)
			}
			s := d.open(d.saved().Key())
			if got := names(s.All()); !slices.Equal(got, []string{"x"}) {
				d.Errorf("names %q", got)
			}
			d.state(s, true, false)
		},
		"14 clear": func(d *desk) {
			s := d.open(d.saved().Key())
			s.Clear()
			if got := names(s.All()); len(got) > 0 {
				d.Errorf("left: %q", got)
			}
			d.state(s, true, true)
		},
		"79 test cookie": func(d *desk) {
			s := d.open("")
			if _, ok := s.GetString("testcookie"); ok {
				d.Error("there before it was set")
			}
			d.set(s, "testcookie", "worked")
			d.save(s)
			s = d.open(s.Key())
			if got, _ := s.GetString("testcookie"); got != "worked" || !s.Delete("testcookie") {
				d.Errorf("holds %q", got)
			}
			d.save(s)
			if _, ok := d.open(s.Key()).GetString("testcookie"); ok {
				d.Error("there after it was deleted")
			}
		},
		"80 neither key nor data is empty": func(d *desk) {
			s := d.open("")
			if !s.Empty() {
				d.Error("a new session is not empty")
			}
			d.set(s, "x", 1)
			if s.Empty() || d.open(d.saved().Key()).Empty() {
				d.Error("empty with data, or with a key")
			}
		},
	})
}

func names(all func(func(string, pyvalue.Value) bool)) []string {
	var list []string
	for name := range all {
		list = append(list, name)
	}
	return list
}
