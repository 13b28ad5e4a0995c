package pyvalue

import "fmt"

// checkOpaque holds o to the exact-name list and to the arguments that Python's own pickles carry for it. It guards
// the writer too: nothing else ever becomes a call inside Django.
func checkOpaque(o *Opaque) error {
	if !opaqueShape(o) {
		return fmt.Errorf("%w: %.64q with these arguments", ErrForbidden, o.Module+"."+o.Name)
	}
	return nil
}

// opaqueShape knows the arguments from Modules/_datetimemodule.c (datetime_reduce_ex and its siblings), decimal's and
// uuid's __reduce__. The byte strings are the packed fields.
func opaqueShape(o *Opaque) bool {
	if o.Module == "uuid" && o.Name == "UUID" {
		return len(o.Args) == 0 && uuidState(o.State)
	}
	if o.State != nil {
		return false
	}
	switch o.Module + "." + o.Name {
	case "datetime.datetime":
		return packed(o.Args, 10)
	case "datetime.date":
		return len(o.Args) == 1 && packed(o.Args, 4)
	case "datetime.time":
		return packed(o.Args, 6)
	case "datetime.timedelta":
		return len(o.Args) == 3 && isInt(o.Args[0]) && isInt(o.Args[1]) && isInt(o.Args[2])
	case "datetime.timezone":
		return zone(o.Args)
	case "decimal.Decimal":
		return len(o.Args) == 1 && isStr(o.Args[0])
	}
	return false
}

// packed: size bytes, and perhaps a datetime.timezone.
func packed(args Tuple, size int) bool {
	if len(args) == 0 || len(args) > 2 {
		return false
	}
	b, ok := args[0].(Bytes)
	return ok && len(b) == size && (len(args) == 1 || isOpaque(args[1], "datetime", "timezone"))
}

// zone: a datetime.timedelta, and perhaps a name.
func zone(args Tuple) bool {
	if len(args) == 0 || len(args) > 2 {
		return false
	}
	return isOpaque(args[0], "datetime", "timedelta") && (len(args) == 1 || isStr(args[1]))
}

// uuidState: {"int": …} and perhaps {"is_safe": …}.
func uuidState(v Value) bool {
	d, ok := v.(*Dict)
	if !ok || d.Len() == 0 || d.Len() > 2 {
		return false
	}
	for _, e := range d.entries {
		if name, ok := e.Key.(Str); !ok || name != "int" && name != "is_safe" || !isInt(e.Value) {
			return false
		}
	}
	return true
}

func isInt(v Value) bool { _, ok := v.(Int); return ok }
func isStr(v Value) bool { _, ok := v.(Str); return ok }

func isOpaque(v Value, module, name string) bool {
	o, ok := v.(*Opaque)
	return ok && o.Module == module && o.Name == name
}
