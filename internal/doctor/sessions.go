package doctor

import (
	"context"
	"fmt"
)

// lookAtSessions holds the secret key against the sessions that are there. Those that do not fit are no sessions to us.
func lookAtSessions(ctx context.Context, p *Patient, n *notes) {
	s := p.sampleOf(ctx)
	all := len(s.sessions)
	switch {
	case s.err != nil && p.Config.Session.Engine == "file":
		n.problem("session.file_path", "the sessions cannot be read: "+s.err.Error(), "let this user read the files in "+p.SessionDir)
		return
	case s.err != nil: // which the looks at database and cache have said
		return
	case p.Config.Session.Engine == "signed_cookies":
		n.ok("sessions are in browsers; there are none to hold the secret key against")
		return
	case all == 0:
		n.ok("there are no sessions to look at yet")
		return
	}
	s.judgeKey(n, p.KeyFile)
	s.judgeFormats(n)
	if fallback := s.count(byFallback); fallback > 0 {
		n.ok("%d of %d sessions in %s are signed with a fallback key, the others with the secret key; keep it in secret_key_fallbacks until they have ended", fallback, all, s.place)
	}
	n.well("%d sessions of %s can be read", all, s.place)
}

func (s *sample) judgeKey(n *notes, keyFile string) {
	foreign := s.count(unsigned) + s.count(oldUnsigned)
	all := len(s.sessions)
	seen := fmt.Sprintf("%d of %d sessions in %s are signed with another key or salt: who has one is logged out", foreign, all, s.place)
	switch {
	case foreign == 0:
	case foreign < all:
		n.warning("secret_key_fallbacks", seen, "add the SECRET_KEY that was used before to secret_key_fallbacks")
	case keyFile != "":
		n.problem("secret_key", seen+", and ours was made by itself", "set secret_key (or secret_key_file) to the SECRET_KEY of the Django that shares the sessions; in Docker, keep data_dir in a volume")
	default:
		n.problem("secret_key", seen, "set secret_key to the SECRET_KEY of the Django that shares the sessions; if it is the same, its SESSION_ENGINE is a class of its own, whose salt is another")
	}
}

func (s *sample) judgeFormats(n *notes) {
	all := len(s.sessions)
	if old := s.count(beforeDjango); old > 0 {
		n.warning("session.engine", fmt.Sprintf("%d of %d sessions in %s are in a format of Django before 3.1, which is not read: who has one logs in again", old, all, s.place),
			"update Django to 3.1 or later and remove DEFAULT_HASHING_ALGORITHM = 'sha1'")
	}
	if other := s.count(notJSON); other > 0 {
		n.problem("session.engine", fmt.Sprintf("%d of %d sessions in %s hold something else than JSON (or plain values, in a cache)", other, all, s.place),
			"remove SESSION_SERIALIZER from Django's settings: PickleSerializer lets whoever has the SECRET_KEY run programs, and is not read here")
	}
}
