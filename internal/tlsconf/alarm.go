package tlsconf

import (
	"context"
	"time"
)

// alarmEvery is how often the ends of certificates are looked at.
const alarmEvery = time.Hour

// life is how long a certificate is good.
type life struct {
	name        string
	from, until time.Time
}

// late reports whether the certificate should have been renewed. That is tried when a third of its life is left; a tenth of that third is for trying.
func (l life) late(now time.Time) bool {
	return l.until.Sub(now) < l.until.Sub(l.from)/10*3
}

// alarm says of each certificate that is late that it is, at the start and every hour (F31).
func (c *Certificates) alarm(ctx context.Context) {
	ticks := time.NewTicker(alarmEvery)
	defer ticks.Stop()
	for {
		c.sound(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

func (c *Certificates) sound(now time.Time) {
	for _, l := range c.lives() {
		switch {
		case now.After(l.until):
			c.log.Error("certificate has expired: browsers refuse it; look for why it is not renewed", "name", l.name, "not_after", l.until)
		case l.late(now):
			c.log.Error("certificate ends soon and was not renewed; look for why", "name", l.name, "not_after", l.until)
		}
	}
}
