package pyvalue

import (
	"fmt"
	"slices"
	"strconv"
)

// container executes what makes or fills containers; anything unknown is refused here.
func (r *pickleReader) container(op byte) error {
	switch op {
	case opMark:
		return r.mark()
	case opEmptyList:
		return r.push(&List{})
	case opEmptyTuple:
		return r.push(Tuple{})
	case opEmptyDict:
		return r.pushDict(nil)
	case opEmptySet:
		return r.push(&Set{})
	case opTuple1, opTuple2, opTuple3:
		items, err := r.popN(int(op) - opTuple1 + 1)
		return r.pushOr(Tuple(slices.Clone(items)), err)
	case opList, opTuple, opDict, opFrozenSet:
		return r.build(op)
	case opAppend:
		items, err := r.popN(1)
		return r.fill(op, items, err)
	case opSetItem:
		items, err := r.popN(2)
		return r.fill(op, items, err)
	case opAppends, opSetItems, opAddItems:
		items, err := r.popMark()
		return r.fill(op, items, err)
	}
	return fmt.Errorf("%w: opcode %#02x at byte %d", ErrForbidden, op, r.pos-1)
}

func (r *pickleReader) mark() error {
	if len(r.marks) > MaxDepth {
		return errTooDeep
	}
	r.marks = append(r.marks, len(r.stack))
	return nil
}

func (r *pickleReader) pushDict(flat []Value) error {
	if len(flat)%2 != 0 {
		return r.malformed("key without value")
	}
	d := &Dict{entries: entriesOf(flat)}
	r.dicts = append(r.dicts, d)
	return r.push(d)
}

// build makes a container of all that stands above the last mark.
func (r *pickleReader) build(op byte) error {
	items, err := r.popMark()
	if err != nil {
		return err
	}
	switch op {
	case opTuple:
		return r.push(Tuple(slices.Clone(items)))
	case opList:
		return r.push(&List{Items: slices.Clone(items)})
	case opFrozenSet:
		return r.push(&Set{Items: slices.Clone(items), Frozen: true})
	}
	return r.pushDict(items)
}

// fill adds items to the container that is now on top.
func (r *pickleReader) fill(op byte, items []Value, err error) error {
	if err != nil {
		return err
	}
	switch into := r.top().(type) {
	case *List:
		if op == opAppend || op == opAppends {
			into.Items = appendAll(into.Items, items)
			return nil
		}
	case *Set:
		if op == opAddItems && !into.Frozen {
			into.Items = appendAll(into.Items, items)
			return nil
		}
	case *Dict:
		if op == opSetItem || op == opSetItems && len(items)%2 == 0 {
			into.entries = appendAll(into.entries, entriesOf(items))
			return nil
		}
	}
	return r.malformed("items without a container for them")
}

// reference executes what writes and reads the memo.
func (r *pickleReader) reference(op byte) error {
	i, err := r.memoIndex(op)
	if err != nil {
		return err
	}
	switch op {
	case opPut, opBinPut, opLongBinPut, opMemoize:
		return r.remember(i)
	}
	if i >= uint64(len(r.memo)) || r.memo[i] == nil {
		return r.malformed("reference to nothing")
	}
	return r.push(r.memo[i])
}

func (r *pickleReader) memoIndex(op byte) (uint64, error) {
	switch op {
	case opBinPut, opBinGet:
		return r.uint(1)
	case opLongBinPut, opLongBinGet:
		return r.uint(4)
	case opMemoize:
		return uint64(len(r.memo)), nil
	}
	s, err := r.line()
	if err != nil {
		return 0, err
	}
	i, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, r.malformed("bad memo index")
	}
	return i, nil
}

// remember puts the topmost value under i. Picklers count up from 0, or from 1 (Python 2): a higher index is a memo bomb.
func (r *pickleReader) remember(i uint64) error {
	v := r.top()
	if v == nil {
		return r.malformed("empty stack")
	}
	if i > uint64(len(r.memo))+1 || i >= MaxValues {
		return fmt.Errorf("%w: memo index %d", ErrLimit, i)
	}
	for uint64(len(r.memo)) <= i {
		r.memo = appendAll(r.memo, []Value{nil})
	}
	r.memo[i] = v
	return nil
}
