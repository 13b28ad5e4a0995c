package pyvalue

import (
	"fmt"
	"slices"
)

// object executes the opcodes that would import and call in Python. Here they only move names about.
func (r *pickleReader) object(op byte) error {
	switch op {
	case opGlobal:
		return r.global()
	case opStackGlobal:
		name, ok1 := r.pop().(Str)
		module, ok2 := r.pop().(Str)
		if !ok1 || !ok2 {
			return r.malformed("bad name")
		}
		return r.pushClass(string(module), string(name))
	case opBuild:
		return r.setState()
	}
	args, ok1 := r.pop().(Tuple)
	what, ok2 := r.pop().(class)
	if !ok1 || !ok2 {
		return r.malformed("call of what is no name")
	}
	return r.pushOr(r.construct(what, args))
}

func (r *pickleReader) global() error {
	module, err := r.line()
	if err != nil {
		return err
	}
	name, err := r.line()
	if err != nil {
		return err
	}
	return r.pushClass(module, name)
}

// pushClass takes the names below and no others, by exact match. Python 2's names are what protocols 0 to 2 write.
func (r *pickleReader) pushClass(module, name string) error {
	switch module {
	case "__builtin__":
		module = "builtins"
	case "copy_reg":
		module = "copyreg"
	}
	switch module + "." + name {
	case "datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "datetime.timezone",
		"decimal.Decimal", "uuid.UUID",
		"builtins.set", "builtins.frozenset", "builtins.bytes", "builtins.object", "_codecs.encode", "copyreg._reconstructor":
		return r.push(class{module, name})
	}
	return fmt.Errorf("%w: %.64q", ErrForbidden, module+"."+name)
}

// construct is what calling what with args would give. For the opaque kinds verify checks the arguments later, when
// a UUID has got its state.
func (r *pickleReader) construct(what class, args Tuple) (Value, error) {
	var v Value
	switch what.module + "." + what.name {
	case "builtins.set", "builtins.frozenset":
		v = setOf(args, what.name == "frozenset")
	case "builtins.bytes", "_codecs.encode":
		v = r.bytesOf(what, args)
	case "copyreg._reconstructor":
		v = reconstructed(args)
	default:
		if what.module != "builtins" {
			v = &Opaque{Module: what.module, Name: what.name, Args: args}
		}
	}
	if v == nil {
		return nil, fmt.Errorf("%w: %.64q with these arguments", ErrForbidden, what.module+"."+what.name)
	}
	return v, nil
}

// setOf is how protocols below 4 write sets: set([…]).
func setOf(args Tuple, frozen bool) Value {
	if len(args) != 1 {
		return nil
	}
	if list, ok := args[0].(*List); ok {
		return &Set{Items: slices.Clip(list.Items), Frozen: frozen} // shared: copies of copies would be a bomb
	}
	return nil
}

// bytesOf is how protocols below 3 write bytes: _codecs.encode(text, "latin1"), or bytes() for none.
func (r *pickleReader) bytesOf(what class, args Tuple) Value {
	if what.name == "bytes" {
		if len(args) == 0 {
			return Bytes("")
		}
		return nil
	}
	if len(args) != 2 || args[1] != Str("latin1") {
		return nil
	}
	text, ok := args[0].(Str)
	if !ok {
		return nil
	}
	if r.convert -= len(text); r.convert < 0 { // one long text, converted again and again
		return nil
	}
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		if r > 0xFF {
			return nil
		}
		out = append(out, byte(r))
	}
	return Bytes(out)
}

// reconstructed is how protocols below 2 write a UUID: copyreg._reconstructor(uuid.UUID, object, None).
func reconstructed(args Tuple) Value {
	if len(args) != 3 || args[0] != (class{"uuid", "UUID"}) || args[1] != (class{"builtins", "object"}) || args[2] != (None{}) {
		return nil
	}
	return &Opaque{Module: "uuid", Name: "UUID", Args: Tuple{}}
}

func (r *pickleReader) setState() error {
	state := r.pop()
	o, ok := r.top().(*Opaque)
	if state == nil || !ok || o.State != nil {
		return r.malformed("state without an object")
	}
	o.State = state
	return nil
}
