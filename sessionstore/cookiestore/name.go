package cookiestore

// Name is what [Revocations] call the session of a cookie; "" for a cookie that does not count.
func (s *Store) Name(key string) string {
	o, err := s.verify(key)
	if err != nil {
		return ""
	}
	return o.digest
}
