package codec

import "coatcheck/internal/pyvalue"

// Pickled is the format of Django's caches: a pickle of plain data, unsigned. Its value is the protocol to write: 5 for
// Django's own Redis and memcached caches, 4 for django-redis. All protocols are read.
type Pickled int

// Encode returns d's pickle.
func (p Pickled) Encode(d *pyvalue.Dict) ([]byte, error) {
	return pyvalue.AppendPickle(nil, d, int(p))
}

// Decode reads the pickle of a dict.
func (Pickled) Decode(data []byte) (*pyvalue.Dict, error) {
	return pyvalue.ReadPickle(data)
}
