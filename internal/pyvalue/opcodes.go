package pyvalue

// The opcodes of plain data, protocols 0 to 5 (Python: Lib/pickletools.py). What is missing here is refused: POP, POP_MARK
// and DUP, which Python writes for cycles only; persistent ids, extensions, INST, OBJ, NEWOBJ_EX, BYTEARRAY8, buffers.
const (
	opMark           = '('
	opStop           = '.'
	opFloat          = 'F'
	opInt            = 'I'
	opBinInt         = 'J'
	opBinInt1        = 'K'
	opBinInt2        = 'M'
	opLong           = 'L'
	opLong1          = 0x8a
	opLong4          = 0x8b
	opNone           = 'N'
	opNewTrue        = 0x88
	opNewFalse       = 0x89
	opBinFloat       = 'G'
	opString         = 'S'
	opBinString      = 'T'
	opShortBinString = 'U'
	opUnicode        = 'V'
	opShortBinUni    = 0x8c
	opBinUnicode     = 'X'
	opBinUnicode8    = 0x8d
	opShortBinBytes  = 'C'
	opBinBytes       = 'B'
	opBinBytes8      = 0x8e
	opEmptyList      = ']'
	opAppend         = 'a'
	opAppends        = 'e'
	opList           = 'l'
	opEmptyTuple     = ')'
	opTuple          = 't'
	opTuple1         = 0x85
	opTuple2         = 0x86
	opTuple3         = 0x87
	opEmptyDict      = '}'
	opDict           = 'd'
	opSetItem        = 's'
	opSetItems       = 'u'
	opEmptySet       = 0x8f
	opAddItems       = 0x90
	opFrozenSet      = 0x91
	opPut            = 'p'
	opBinPut         = 'q'
	opLongBinPut     = 'r'
	opMemoize        = 0x94
	opGet            = 'g'
	opBinGet         = 'h'
	opLongBinGet     = 'j'
	opGlobal         = 'c'
	opStackGlobal    = 0x93
	opReduce         = 'R'
	opNewObj         = 0x81
	opBuild          = 'b'
	opProto          = 0x80
	opFrame          = 0x95
)
