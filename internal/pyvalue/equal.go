package pyvalue

import (
	"math"
	"slices"
)

// Equal tells whether a and b would be written alike: same kinds (1 is not 1.0), same order, NaN equal to NaN. Neither
// may hold a cycle.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case Int:
		b, ok := b.(Int)
		return ok && a.equal(b)
	case Float:
		b, ok := b.(Float)
		return ok && (math.Float64bits(float64(a)) == math.Float64bits(float64(b)) || a != a && b != b)
	case Tuple:
		b, ok := b.(Tuple)
		return ok && slices.EqualFunc(a, b, Equal)
	case *List:
		b, ok := b.(*List)
		return ok && slices.EqualFunc(a.Items, b.Items, Equal)
	case *Set:
		b, ok := b.(*Set)
		return ok && a.Frozen == b.Frozen && slices.EqualFunc(a.Items, b.Items, Equal)
	case *Dict:
		b, ok := b.(*Dict)
		return ok && a.Equal(b)
	case *Opaque:
		b, ok := b.(*Opaque)
		return ok && a.equal(b)
	}
	return a == b // None, Bool, Str, Bytes
}

// Equal tells whether d and o hold the same entries in the same order.
func (d *Dict) Equal(o *Dict) bool {
	return slices.EqualFunc(d.entries, o.entries, func(a, b Entry) bool {
		return Equal(a.Key, b.Key) && Equal(a.Value, b.Value)
	})
}

func (i Int) equal(j Int) bool {
	if i.big == nil || j.big == nil {
		return i == j
	}
	return i.big.Cmp(j.big) == 0
}

func (o *Opaque) equal(p *Opaque) bool {
	return o.Module == p.Module && o.Name == p.Name && Equal(o.Args, p.Args) && Equal(o.State, p.State)
}
