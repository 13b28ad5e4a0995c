package direct

import (
	"bufio"
	"bytes"
	"errors"
)

// readBlock waits for a block of lines up to and with the empty one that ends it. It takes length bytes off what is left, and fails
// when there is not enough. The block is valid until in is read again; discard says how many bytes of it are still to be discarded.
func readBlock(in *bufio.Reader, left *int) (block []byte, discard int, err error) {
	for line := 0; ; { // where the line begins that has not ended yet
		block, _ = in.Peek(in.Buffered())
		for {
			n := bytes.IndexByte(block[line:], '\n') + 1
			if n == 0 {
				break
			}
			if line += n; isEmpty(block[line-n : line]) {
				if *left -= line; *left < 0 {
					return nil, 0, errTooLong
				}
				return block[:line], line, nil
			}
		}
		if len(block) == in.Size() {
			block, err = readLong(in, left)
			return block, 0, err
		}
		if len(block) > *left {
			return nil, 0, errTooLong
		}
		if _, err := in.Peek(len(block) + 1); err != nil {
			return nil, 0, unexpected(err)
		}
	}
}

// readLong is readBlock for what the reader's buffer cannot hold.
func readLong(in *bufio.Reader, left *int) ([]byte, error) {
	var block []byte
	for line := 0; ; {
		part, err := in.ReadSlice('\n')
		block = append(block, part...)
		if *left -= len(part); *left < 0 {
			return nil, errTooLong
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return nil, unexpected(err)
		case isEmpty(block[line:]):
			return block, nil
		default:
			line = len(block)
		}
	}
}

// isEmpty tells of a line with its end.
func isEmpty(line []byte) bool { return len(line) == 1 || len(line) == 2 && line[0] == '\r' }
