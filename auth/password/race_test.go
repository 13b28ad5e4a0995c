//go:build race

package password

// raceEnabled: the detector makes hashing ten times slower, so vectors that repeat an expensive computation with other salts are left
// to a run without it.
const raceEnabled = true
