package pyvalue

import "fmt"

// hashable tells what Python takes as a key of a dict; what a tuple holds is not looked at.
func hashable(v Value) bool {
	switch v := v.(type) {
	case *List, *Dict, nil:
		return false
	case *Set:
		return v.Frozen
	}
	return true
}

// kindOf names the kind of v as Python does.
func kindOf(v Value) string {
	switch v := v.(type) {
	case None:
		return "None"
	case Bool:
		return "bool"
	case Int:
		return "int"
	case Float:
		return "float"
	case Str:
		return "str"
	case Bytes:
		return "bytes"
	case Tuple:
		return "tuple"
	case *List:
		return "list"
	case *Dict:
		return "dict"
	case *Set:
		if v.Frozen {
			return "frozenset"
		}
		return "set"
	case *Opaque:
		return v.Module + "." + v.Name
	}
	return fmt.Sprintf("%T", v)
}
