package pyvalue

import (
	"cmp"
	"slices"
)

// entriesOf pairs keys and values that follow one another.
func entriesOf(flat []Value) []Entry {
	if len(flat) == 0 {
		return nil
	}
	entries := make([]Entry, len(flat)/2)
	for i := range entries {
		entries[i] = Entry{flat[2*i], flat[2*i+1]}
	}
	return entries
}

// lastWins makes string keys unique as Python's dict does: the first one's place, the last one's value.
func (d *Dict) lastWins() {
	first := d.duplicates()
	if first == nil {
		return
	}
	kept := d.entries[:0]
	place := make([]int, len(d.entries))
	for i, e := range d.entries {
		if f := first[i]; f != i {
			kept[place[f]].Value = e.Value
			continue
		}
		place[i] = len(kept)
		kept = append(kept, e)
	}
	clear(d.entries[len(kept):])
	d.entries = kept
}

// duplicates returns, for each entry, the index of the first one with its string key; nil when all differ. It sorts
// where there are many: n keys must not cost n² comparisons.
func (d *Dict) duplicates() []int {
	if len(d.entries) <= 16 && !d.repeatsShort() {
		return nil
	}
	order := make([]int32, len(d.entries))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return d.compareText(int(a), int(b)) })
	var first []int
	for n := 1; n < len(order); n++ {
		if a, b := int(order[n-1]), int(order[n]); d.sameText(a, b) {
			if first == nil {
				first = identity(len(d.entries))
			}
			first[b] = first[a]
		}
	}
	return first
}

func (d *Dict) repeatsShort() bool {
	for i := range d.entries {
		for j := range i {
			if d.sameText(i, j) {
				return true
			}
		}
	}
	return false
}

// compareText orders entries by their string keys, those without one last.
func (d *Dict) compareText(i, j int) int {
	a, aIsText := d.entries[i].Key.(Str)
	b, bIsText := d.entries[j].Key.(Str)
	switch {
	case aIsText && bIsText:
		return cmp.Compare(a, b)
	case aIsText:
		return -1
	case bIsText:
		return 1
	}
	return 0
}

func (d *Dict) sameText(i, j int) bool {
	a, ok := d.entries[i].Key.(Str)
	if !ok {
		return false
	}
	b, ok := d.entries[j].Key.(Str)
	return ok && a == b
}

func identity(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i
	}
	return ids
}
