package cache

import "math/bits"

// pick chooses the node of a key as pymemcache's HashClient does (client/rendezvous.py): the highest hash of "node-key". Of equal ones the
// greatest name wins.
func pick(nodes []string, key string) int {
	winner, high := 0, uint32(0)
	for i, node := range nodes {
		score := murmur3(lowBytes(node + "-" + key))
		if i == 0 || score > high || (score == high && node > nodes[winner]) {
			winner, high = i, score
		}
	}
	return winner
}

// lowBytes gives the low byte of each character, which is all that pymemcache's hash looks at (ord(c) & 0xff).
func lowBytes(text string) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		out = append(out, byte(r))
	}
	return out
}

// murmur3 is MurmurHash3_x86_32 with seed 0 (client/murmur3.py).
func murmur3(data []byte) uint32 {
	h, n := uint32(0), len(data)
	for ; len(data) >= 4; data = data[4:] {
		h ^= mixed(uint32(data[0]) | uint32(data[1])<<8 | uint32(data[2])<<16 | uint32(data[3])<<24)
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	var tail uint32
	for i, b := range data {
		tail |= uint32(b) << (8 * i)
	}
	h ^= mixed(tail) ^ uint32(n)
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

func mixed(k uint32) uint32 { return bits.RotateLeft32(k*0xcc9e2d51, 15) * 0x1b873593 }
