package doctor

import (
	"context"
	"fmt"
	"os"
	"slices"

	"coatcheck/sessionstore/cacheddbstore"
	"coatcheck/sessionstore/cachestore"
)

// lookAtEngines looks for sessions where other engines keep theirs, while ours has none: then Django uses that engine.
func lookAtEngines(ctx context.Context, p *Patient, n *notes) {
	if len(p.sampleOf(ctx).sessions) == 0 {
		p.lookAtRows(ctx, n)
		p.lookAtFolder(n)
		p.lookAtEntries(ctx, n, "cache", cachestore.KeyPrefix)
	}
	if p.Config.Session.Engine != "cached_db" {
		p.lookAtEntries(ctx, n, "cached_db", cacheddbstore.KeyPrefix)
	}
	n.well("no other engine's sessions are in sight")
}

func (p *Patient) lookAtRows(ctx context.Context, n *notes) {
	if p.inRows() || p.Database == nil {
		return
	}
	tables, err := p.Database.Tables(ctx)
	if err != nil || !slices.Contains(tables, sessionTable) {
		return
	}
	if live := p.drawRows(ctx); live.err == nil && len(live.sessions) > 0 {
		p.mistaken(n, fmt.Sprintf("the table %s holds live sessions", sessionTable), "db")
	}
}

// lookAtFolder looks where Django's file engine keeps sessions unless told otherwise (tempfile.gettempdir).
func (p *Patient) lookAtFolder(n *notes) {
	dir := os.TempDir()
	if dir == p.SessionDir || len(sessionFiles(dir, p.Config.Session.CookieName)) == 0 {
		return
	}
	if p.Config.Session.Engine == "file" {
		n.warning("session.file_path", "there are no sessions in "+p.SessionDir+", but some in "+dir, "set session.file_path: "+dir)
		return
	}
	p.mistaken(n, "there are session files in "+dir, "file")
}

func (p *Patient) lookAtEntries(ctx context.Context, n *notes, engine, prefix string) {
	if p.Cache == nil || !p.Cache.CanList() || p.Config.Session.Engine == engine {
		return
	}
	if found, err := p.Cache.Before(ctx, prefix, 1); err == nil && len(found) > 0 {
		p.mistaken(n, "the cache holds sessions of Django's engine "+engine, engine)
	}
}

func (p *Patient) mistaken(n *notes, seen, engine string) {
	n.warning("session.engine", seen+", and session.engine is "+p.Config.Session.Engine, "if they are of the Django that shares sessions with us, set session.engine: "+engine)
}
