package pyvalue

import "slices"

// list is batch_list_exact of _pickle.c.
func (w *pickleWriter) list(items []Value) error {
	if len(items) == 1 {
		return w.then(opAppend, items)
	}
	for batch := range slices.Chunk(items, batchSize) {
		w.op(opMark)
		if err := w.then(opAppends, batch); err != nil {
			return err
		}
	}
	return nil
}

// then writes items and an opcode behind them.
func (w *pickleWriter) then(op byte, items []Value) error {
	for _, item := range items {
		if err := w.value(item); err != nil {
			return err
		}
	}
	w.op(op)
	return nil
}

// dict is batch_dict_exact of _pickle.c. Unlike a list's, a full last batch is followed by an empty one.
func (w *pickleWriter) dict(entries []Entry) error {
	if len(entries) == 1 {
		return w.then(opSetItem, []Value{entries[0].Key, entries[0].Value})
	}
	for more := len(entries) > 0; more; {
		batch := entries[:min(batchSize, len(entries))]
		entries, more = entries[len(batch):], len(batch) == batchSize
		w.op(opMark)
		for _, e := range batch {
			if err := w.value(e.Key); err != nil {
				return err
			}
			if err := w.value(e.Value); err != nil {
				return err
			}
		}
		w.op(opSetItems)
	}
	return nil
}

// set is save_set and save_frozenset of _pickle.c, the first with the empty last batch of dicts.
func (w *pickleWriter) set(s *Set) error {
	if s.Frozen {
		w.op(opMark)
		err := w.then(opFrozenSet, s.Items)
		w.memoize(s)
		return err
	}
	w.op(opEmptySet)
	w.memoize(s)
	items := s.Items
	for more := len(items) > 0; more; {
		batch := items[:min(batchSize, len(items))]
		items, more = items[len(batch):], len(batch) == batchSize
		w.op(opMark)
		if err := w.then(opAddItems, batch); err != nil {
			return err
		}
	}
	return nil
}

// tuple is save_tuple of _pickle.c. The empty tuple is never remembered.
func (w *pickleWriter) tuple(t Tuple) error {
	if len(t) == 0 {
		w.op(opEmptyTuple)
		return nil
	}
	if w.known(&t[0]) {
		return nil
	}
	op := byte(opTuple)
	if len(t) <= 3 {
		op = opTuple1 + byte(len(t)) - 1
	} else {
		w.op(opMark)
	}
	err := w.then(op, t)
	w.memoize(&t[0])
	return err
}

// opaque is save_reduce of _pickle.c. A UUID is the one that is made empty and given its state, as object.__reduce_ex__ has it.
func (w *pickleWriter) opaque(o *Opaque) error {
	if err := w.class(o.Module, o.Name); err != nil {
		return err
	}
	if err := w.value(o.Args); err != nil {
		return err
	}
	if o.State == nil {
		w.op(opReduce)
		w.memoize(o)
		return nil
	}
	w.op(opNewObj)
	w.memoize(o)
	return w.then(opBuild, []Value{o.State})
}

// class is save_global of _pickle.c.
func (w *pickleWriter) class(module, name string) error {
	w.boundary()
	key := module + "\n" + name
	if w.knownText('c', key) {
		return nil
	}
	w.boundary()
	if err := w.str('m', module); err != nil {
		return err
	}
	w.boundary()
	if err := w.str('n', name); err != nil {
		return err
	}
	w.op(opStackGlobal)
	w.memoizeText('c', key)
	return nil
}
