package sessionstore

import (
	"errors"
	"time"

	"coatcheck/internal/pyvalue"
)

var errPickledDate = errors.New("not a datetime.datetime with datetime.timezone")

// pickledDate reads a datetime.datetime as a pickle carries it (Lib/datetime.py _getstate: 10 bytes and perhaps a zone). Django
// 3.2 keeps points in time so in caches.
func pickledDate(o *pyvalue.Opaque, local *time.Location) (time.Time, error) {
	if o.Module != "datetime" || o.Name != "datetime" || len(o.Args) == 0 {
		return time.Time{}, errPickledDate
	}
	b, ok := o.Args[0].(pyvalue.Bytes)
	if !ok || len(b) != 10 {
		return time.Time{}, errPickledDate
	}
	if local == nil {
		local = time.UTC
	}
	if len(o.Args) > 1 {
		offset, err := pickledOffset(o.Args[1])
		if err != nil {
			return time.Time{}, err
		}
		local = time.FixedZone("", offset)
	}
	month := b[2] & 0x7f // the high bit is "fold"
	micros := int(b[7])<<16 | int(b[8])<<8 | int(b[9])
	t := time.Date(int(b[0])<<8|int(b[1]), time.Month(month), int(b[3]), int(b[4]), int(b[5]), int(b[6]), micros*1000, local)
	return t, inYears(t)
}

// pickledOffset reads datetime.timezone(datetime.timedelta(days, seconds, microseconds)), in seconds.
func pickledOffset(v pyvalue.Value) (int, error) {
	zone, ok := v.(*pyvalue.Opaque)
	if !ok || zone.Module != "datetime" || zone.Name != "timezone" || len(zone.Args) == 0 {
		return 0, errPickledDate
	}
	delta, ok := zone.Args[0].(*pyvalue.Opaque)
	if !ok || delta.Module != "datetime" || delta.Name != "timedelta" || len(delta.Args) != 3 {
		return 0, errPickledDate
	}
	days, isDays := delta.Args[0].(pyvalue.Int)
	seconds, isSeconds := delta.Args[1].(pyvalue.Int)
	if !isDays || !isSeconds {
		return 0, errPickledDate
	}
	d, dayOK := days.Int64()
	s, secondOK := seconds.Int64()
	if !dayOK || !secondOK || d < -1 || d > 0 || s < 0 || s >= 86400 {
		return 0, errPickledDate
	}
	return int(d*86400 + s), nil
}
