package cache

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type kind string

const (
	redisKind     kind = "redis"
	sentinelKind  kind = "redis-sentinel"
	clusterKind   kind = "redis-cluster"
	memcachedKind kind = "memcached"
)

// target is a URL taken apart.
type target struct {
	kind                           kind
	hosts                          []string // host:port, or the path of a unix socket
	tls                            bool
	username, password             string
	sentinelUser, sentinelPassword string
	master                         string // the name that the Sentinels watch
	db                             int
}

func (t target) place() string { return string(t.kind) + " at " + strings.Join(t.hosts, ",") }

// parseURL takes the hosts out by hand: net/url reads no lists of them. Its errors are not shown, because they quote the password.
func parseURL(raw string) (target, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return target{}, errors.New("it has no scheme: write redis://host:6379/0 or memcached://host:11211")
	}
	t := target{kind: kind(scheme)}
	switch scheme {
	case "memcached":
		return t, t.setHosts(rest, "11211")
	case "rediss":
		t.kind, t.tls = redisKind, true
	case "unix":
		t.kind = redisKind
	case "redis", "redis-sentinel", "redis-cluster":
	default:
		return target{}, errors.New("unknown scheme: it is redis, rediss, redis-sentinel, redis-cluster or memcached")
	}
	return t, t.setRedis(rest)
}

func (t *target) setRedis(rest string) error {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	user, hosts := "", rest[:end]
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		user, hosts = hosts[:at+1], hosts[at+1:]
	}
	u, err := url.Parse("redis://" + user + "host" + rest[end:])
	if err != nil {
		return errors.New("the user, password, path or query cannot be read: special characters are written as %XX")
	}
	t.username = u.User.Username()
	t.password, _ = u.User.Password()
	if err := t.setQuery(u.Query()); err != nil {
		return err
	}
	if hosts == "" && len(u.Path) > 1 && t.kind == redisKind && !t.tls {
		t.hosts = []string{u.Path}
		return nil
	}
	if err := t.setDB(strings.TrimPrefix(u.Path, "/")); err != nil {
		return err
	}
	port := "6379"
	if t.kind == sentinelKind {
		port = "26379"
	}
	return t.setHosts(hosts, port)
}

// setQuery knows every name: an option that we would ignore is a mistake better told.
func (t *target) setQuery(query url.Values) error {
	for name, values := range query {
		value := values[len(values)-1]
		switch name {
		case "master":
			t.master = value
		case "sentinel_username":
			t.sentinelUser = value
		case "sentinel_password":
			t.sentinelPassword = value
		case "tls":
			t.tls = value == "true"
		case "db":
			if err := t.setDB(value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("unknown option %q: there are master, sentinel_username, sentinel_password, tls and db", name)
		}
	}
	if (t.kind == sentinelKind) != (t.master != "") {
		return errors.New("redis-sentinel, and only that, needs the name the Sentinels watch: ?master=NAME")
	}
	return nil
}

func (t *target) setDB(text string) error {
	if text == "" {
		return nil
	}
	db, err := strconv.Atoi(text)
	if err != nil || db < 0 || (db > 0 && t.kind == clusterKind) {
		return errors.New("the database after the hosts must be a number, such as /0 (a cluster has no other)")
	}
	t.db = db
	return nil
}

func (t *target) setHosts(list, port string) error {
	for host := range strings.SplitSeq(strings.TrimSuffix(list, "/"), ",") {
		addr, err := address(host, port)
		if err != nil {
			return err
		}
		if strings.HasPrefix(addr, "/") && t.kind != memcachedKind {
			return errors.New("a list of hosts holds a path")
		}
		if slices.Contains(t.hosts, addr) {
			return fmt.Errorf("the host %s is there twice", addr)
		}
		t.hosts = append(t.hosts, addr)
	}
	if len(t.hosts) > 1 && t.kind == redisKind {
		return errors.New("several hosts need redis-sentinel:// or redis-cluster://")
	}
	return nil
}

// address completes a host as pymemcache does (client/base.py normalize_server_spec).
func address(host, port string) (string, error) {
	if path := strings.TrimPrefix(host, "unix:"); strings.HasPrefix(path, "/") {
		return path, nil
	}
	if !strings.Contains(host, ":") || strings.HasSuffix(host, "]") {
		host += ":" + port
	}
	name, number, err := net.SplitHostPort(host)
	if n, convErr := strconv.ParseUint(number, 10, 16); err != nil || convErr != nil || name == "" || n == 0 || strings.ContainsAny(name, "@/ ") {
		return "", errors.New("a host cannot be read: write host:port, and several with commas between them")
	}
	return net.JoinHostPort(name, number), nil
}
