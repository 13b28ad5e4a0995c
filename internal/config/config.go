// Package config reads the configuration: the YAML file, the environment and the flags of serve, checked as a whole. It is
// the only user of viper. What it returns is plain values; the wiring hands them on in small pieces, and nobody keeps a Config.
package config

import (
	"net/netip"
	"time"
)

// Config is the whole configuration, complete and valid. The tags are the keys; what they mean, and their defaults,
// stands in the table of fields.go.
type Config struct {
	Listen                 string         `mapstructure:"listen"`
	AdminListen            string         `mapstructure:"admin_listen"` // empty: none
	DataDir                string         `mapstructure:"data_dir"`
	ProxyProtocol          bool           `mapstructure:"proxy_protocol"`
	PublicURL              string         `mapstructure:"public_url"` // scheme and host, no slash at the end; or empty
	TrustedProxies         []netip.Prefix `mapstructure:"trusted_proxies"`
	AuthPrefix             string         `mapstructure:"auth_prefix"` // begins with a slash, ends without
	SecretKey              Secret         `mapstructure:"secret_key"`  // from the file where that is given; empty: to be made in DataDir
	SecretKeyFile          string         `mapstructure:"secret_key_file"`
	SecretKeyFallbacks     []Secret       `mapstructure:"secret_key_fallbacks"`
	SecretKeyFallbacksFile string         `mapstructure:"secret_key_fallbacks_file"`
	FirstUser              bool           `mapstructure:"first_user"`
	ShutdownGrace          time.Duration  `mapstructure:"shutdown_grace"`
	FastLane               string         `mapstructure:"fast_lane"` // auto or off
	FoldPaths              bool           `mapstructure:"fold_paths"`
	Upstream               Upstreams      `mapstructure:"upstream"`
	Routes                 []Route        `mapstructure:"routes"` // never empty after Load: without any in the file, one for / with access login
	Database               Database       `mapstructure:"database"`
	Cache                  Cache          `mapstructure:"cache"`
	Session                Session        `mapstructure:"session"`
	Users                  Users          `mapstructure:"users"`
	Login                  Login          `mapstructure:"login"`
	Identity               Identity       `mapstructure:"identity"`
	Connection             Connection     `mapstructure:"connection"`
	FastCGI                FastCGI        `mapstructure:"fastcgi"`
	Balance                Balance        `mapstructure:"balance"`
	SessionAPI             SessionAPI     `mapstructure:"session_api"`
	TLS                    TLS            `mapstructure:"tls"`
	Log                    Log            `mapstructure:"log"`
	Trace                  Trace          `mapstructure:"trace"`

	// Warnings are allowed but probably not meant. Load fills them beside an error, too.
	Warnings Problems `mapstructure:"-"`
	// Files are those that were read besides the configuration's own, such as secrets. Load fills them beside an error, too.
	Files []string `mapstructure:"-"`

	short bool // Routes was made from Upstream
}

// Upstreams is where a route forwards to: one URL (http, https or unix:/path), later several. Empty: the built-in demo.
type Upstreams []string

// NoUpstream is the upstream of a route that another proxy asks about (forward-auth) and forwards itself.
const NoUpstream = "none"

// Route is a rule: what it covers, who may pass, and where it leads.
type Route struct {
	Host             string         `mapstructure:"host"` // lower case; empty: any
	Path             string         `mapstructure:"path"`
	Methods          []string       `mapstructure:"methods"`  // upper case; empty: any
	Upstream         Upstreams      `mapstructure:"upstream"` // the route's own, or else Config.Upstream; empty: deny, or the demo
	StripPrefix      bool           `mapstructure:"strip_prefix"`
	Access           string         `mapstructure:"access"` // login, optional, public or deny
	Users            []string       `mapstructure:"users"`
	Groups           []string       `mapstructure:"groups"`
	Staff            bool           `mapstructure:"staff"`
	Superuser        bool           `mapstructure:"superuser"`
	Networks         []netip.Prefix `mapstructure:"networks"`
	ShareSession     bool           `mapstructure:"share_session"`
	AnonymousSession bool           `mapstructure:"anonymous_session"`
	Touch            bool           `mapstructure:"touch"`
	MaxAuthAge       time.Duration  `mapstructure:"max_auth_age"` // 0: no limit
	SessionAPI       bool           `mapstructure:"session_api"`
	Basic            bool           `mapstructure:"basic"`
	Preflight        bool           `mapstructure:"preflight"`
	SocketOrigins    []string       `mapstructure:"websocket_origins"`
	MaxBody          int64          `mapstructure:"max_body"` // bytes; 0: no limit
	Trailers         bool           `mapstructure:"trailers"`
	Timeout          time.Duration  `mapstructure:"timeout"` // of an answer's header; 0: none
	Headers          RouteHeaders   `mapstructure:"headers"`
	RewriteRedirects bool           `mapstructure:"rewrite_redirects"`
	RewriteCookies   bool           `mapstructure:"rewrite_cookie_path"`
	Identity         Identity       `mapstructure:"identity"` // Config.Identity with what the route overrides
	Connection       Connection     `mapstructure:"connection"`
	FastCGI          FastCGI        `mapstructure:"fastcgi"`
	Balance          Balance        `mapstructure:"balance"`
}

// Connection is how upstreams are connected to.
type Connection struct {
	DialTimeout  time.Duration `mapstructure:"dial_timeout"`
	StallTimeout time.Duration `mapstructure:"stall_timeout"` // silence inside an answer; 0: no limit
	IdleTimeout  time.Duration `mapstructure:"idle_timeout"`
	MaxConns     int           `mapstructure:"max_conns"` // 0: no limit
	QueueTimeout time.Duration `mapstructure:"queue_timeout"`
	CAFile       string        `mapstructure:"ca_file"`
	CertFile     string        `mapstructure:"cert_file"`
	KeyFile      string        `mapstructure:"key_file"`
	ServerName   string        `mapstructure:"server_name"`
}

// FastCGI is how requests become scripts.
type FastCGI struct {
	Root              string   `mapstructure:"root"`
	Index             string   `mapstructure:"index"`
	Fallback          string   `mapstructure:"fallback"`
	Local             bool     `mapstructure:"local"`
	Static            bool     `mapstructure:"static"`
	StaticEndings     []string `mapstructure:"static_endings"`
	Script            string   `mapstructure:"script"`
	BufferBody        int64    `mapstructure:"buffer_body"` // bytes
	KeepAlive         bool     `mapstructure:"keep_alive"`
	KeepAuthorization bool     `mapstructure:"keep_authorization"`
}

// Balance is how a list of upstreams shares the work.
type Balance struct {
	Policy         string        `mapstructure:"policy"` // least_connections or round_robin
	AffinityCookie string        `mapstructure:"affinity_cookie"`
	MaxFails       int           `mapstructure:"max_fails"`
	FailTime       time.Duration `mapstructure:"fail_time"`
	MaxFailTime    time.Duration `mapstructure:"max_fail_time"`
	SlowStart      time.Duration `mapstructure:"slow_start"`
	Check          BalanceCheck  `mapstructure:"check"`
}

// BalanceCheck is how a list asks its members whether they are well.
type BalanceCheck struct {
	Path     string        `mapstructure:"path"` // empty: nobody is asked
	Host     string        `mapstructure:"host"`
	Interval time.Duration `mapstructure:"interval"`
	Timeout  time.Duration `mapstructure:"timeout"`
}

// RouteHeaders are changes to what passes through a route.
type RouteHeaders struct {
	Request  HeaderChanges `mapstructure:"request"`
	Response HeaderChanges `mapstructure:"response"`
}

// HeaderChanges removes headers, then sets others.
type HeaderChanges struct {
	Set    []Header `mapstructure:"set"` // Value is sent as it is
	Remove []string `mapstructure:"remove"`
}

// Database is where sessions and users are.
type Database struct {
	URL      Secret `mapstructure:"url"` // empty: sqlite in DataDir
	URLFile  string `mapstructure:"url_file"`
	TimeZone string `mapstructure:"time_zone"`
	Triggers string `mapstructure:"triggers"` // auto, on or off
}

// Location is TimeZone, which Load has checked.
func (d Database) Location() *time.Location {
	loc, err := time.LoadLocation(d.TimeZone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// Cache is Redis or memcached, with Django's key format.
type Cache struct {
	URL       Secret `mapstructure:"url"`
	URLFile   string `mapstructure:"url_file"`
	KeyPrefix string `mapstructure:"key_prefix"`
	Version   int    `mapstructure:"version"`
	CAFile    string `mapstructure:"ca_file"`
}

// Session is Django's SESSION_… settings, and what goes beyond them.
type Session struct {
	Engine               string        `mapstructure:"engine"` // db, file, cache, cached_db or signed_cookies
	CookieName           string        `mapstructure:"cookie_name"`
	CookieAge            time.Duration `mapstructure:"cookie_age"` // whole seconds
	CookieDomain         string        `mapstructure:"cookie_domain"`
	CookiePath           string        `mapstructure:"cookie_path"`
	CookieSecure         string        `mapstructure:"cookie_secure"` // auto, true or false
	CookieHTTPOnly       bool          `mapstructure:"cookie_httponly"`
	CookieSameSite       string        `mapstructure:"cookie_samesite"` // Lax, Strict, None, or empty for no attribute
	ExpireAtBrowserClose bool          `mapstructure:"expire_at_browser_close"`
	SaveEveryRequest     bool          `mapstructure:"save_every_request"`
	FilePath             string        `mapstructure:"file_path"`
	IdleTimeout          time.Duration `mapstructure:"idle_timeout"`
	MaxLifetime          time.Duration `mapstructure:"max_lifetime"`
	MaxPerUser           int           `mapstructure:"max_per_user"`
	Preset               string        `mapstructure:"preset"`           // empty, aal1, aal2 or aal3: IdleTimeout and MaxLifetime are those of it, where not given
	TimeLeftHeader       string        `mapstructure:"time_left_header"` // empty: none
	NearCache            string        `mapstructure:"near_cache"`       // auto, off or a duration
	NearCacheEntries     int           `mapstructure:"near_cache_entries"`
	NearCacheBytes       int           `mapstructure:"near_cache_bytes"`
}

// NearBound is NearCache, which Load has checked: how long what is in memory is believed where no change can be heard; 0: not at all there.
func (s Session) NearBound() time.Duration {
	bound, _ := parseDuration(s.NearCache) // auto, off
	return bound
}

// Users is the user table and how its passwords are read.
type Users struct {
	URL              Secret  `mapstructure:"url"`
	URLFile          string  `mapstructure:"url_file"`
	Table            string  `mapstructure:"table"`
	Columns          Columns `mapstructure:"columns"`
	GroupsQuery      string  `mapstructure:"groups_query"`
	Query            string  `mapstructure:"query"`
	PasswordFormats  Formats `mapstructure:"password_formats"`
	UpgradePasswords string  `mapstructure:"upgrade_passwords"` // auto, true or false
	// PasswordValidators hold a password that a user chooses against rules: length, similarity, common, numeric.
	PasswordValidators []string `mapstructure:"password_validators"`
	PasswordMinLength  int      `mapstructure:"password_min_length"` // characters
	// Backends are dotted paths, as Django's login writes them into a session.
	Backends []string `mapstructure:"backends"`
}

// Formats is a list of password formats by Django's algorithm names; empty means auto.
type Formats []string

// Columns are the names of the user table's columns.
type Columns struct {
	ID        string `mapstructure:"id"`
	Username  string `mapstructure:"username"`
	Password  string `mapstructure:"password"`
	Email     string `mapstructure:"email"`
	FirstName string `mapstructure:"first_name"`
	LastName  string `mapstructure:"last_name"`
	Active    string `mapstructure:"active"`
	Staff     string `mapstructure:"staff"`
	Superuser string `mapstructure:"superuser"`
	LastLogin string `mapstructure:"last_login"`
}

// Login is the login page and its limits.
type Login struct {
	Title           string `mapstructure:"title"`
	Logo            string `mapstructure:"logo"`
	Accent          string `mapstructure:"accent"`    // #rrggbb; empty: ours
	Templates       string `mapstructure:"templates"` // a folder
	Text            string `mapstructure:"text"`
	RememberMe      bool   `mapstructure:"remember_me"`
	MaxAttempts     int    `mapstructure:"max_attempts"`     // 0: no throttle
	HashConcurrency int    `mapstructure:"hash_concurrency"` // 0: number of cores
}

// Identity says in which headers the upstream is told who asks.
type Identity struct {
	Preset         string    `mapstructure:"preset"`
	Headers        []Header  `mapstructure:"headers"`
	GroupSeparator string    `mapstructure:"group_separator"`
	JWT            JWT       `mapstructure:"jwt"`
	BasicAuth      BasicAuth `mapstructure:"basic_auth"`
}

// Header is one identity header: its name and what it holds.
type Header struct {
	Name  string `mapstructure:"name"`
	Value string `mapstructure:"value"` // id, username, email, name, groups, staff, superuser, visitor or session:KEY
}

// JWT is the signed assertion.
type JWT struct {
	Header string        `mapstructure:"header"`
	TTL    time.Duration `mapstructure:"ttl"`
}

// BasicAuth are credentials for an upstream that wants them. Off without a user name.
type BasicAuth struct {
	Username     string `mapstructure:"username"`
	UsernameFrom string `mapstructure:"username_from"` // id, username or email
	Password     Secret `mapstructure:"password"`
	PasswordFile string `mapstructure:"password_file"`
}

// On reports whether any are sent.
func (b BasicAuth) On() bool { return b.Username != "" || b.UsernameFrom != "" }

// SessionAPI is the listener through which an application reads and writes its session.
type SessionAPI struct {
	Listen string `mapstructure:"listen"`
}

// TLS is certificates, made by ACME or given as files.
type TLS struct {
	Domains    []string      `mapstructure:"domains"` // lower case
	Email      string        `mapstructure:"email"`
	CA         string        `mapstructure:"ca"`
	CARoot     string        `mapstructure:"ca_root"`
	Storage    string        `mapstructure:"storage"`
	CertFile   string        `mapstructure:"cert_file"`
	KeyFile    string        `mapstructure:"key_file"`
	HTTPListen string        `mapstructure:"http_listen"` // see PlainListen
	HSTS       time.Duration `mapstructure:"hsts"`        // whole seconds; 0: none
	OnDemand   OnDemand      `mapstructure:"on_demand"`
	ClientCA   string        `mapstructure:"client_ca_file"`
	ClientAuth string        `mapstructure:"client_auth"` // off, request or require
}

// OnDemand is certificates for names that a rule allows, got when a browser asks for them.
type OnDemand struct {
	Ask string `mapstructure:"ask"` // empty: none; routes: the hosts of routes; else the URL that is asked
}

// ByACME reports whether an authority is asked for certificates.
func (t TLS) ByACME() bool { return len(t.Domains) > 0 || t.OnDemand.Ask != "" }

// PlainListen is the address of the listener without TLS that sends on to the one with it; empty: none.
func (t TLS) PlainListen() string {
	switch {
	case t.HTTPListen != "auto":
		return t.HTTPListen
	case t.ByACME():
		return ":80"
	}
	return ""
}

// On reports whether the listener speaks TLS.
func (t TLS) On() bool { return t.CertFile != "" || t.ByACME() }

// Trace is what is done with trace contexts.
type Trace struct {
	Accept string `mapstructure:"accept"` // all or trusted
	Create bool   `mapstructure:"create"`
}

// Log is what the program says about itself.
type Log struct {
	Level         string `mapstructure:"level"`  // debug, info, warn or error
	Format        string `mapstructure:"format"` // auto, text or json
	Audit         string `mapstructure:"audit"`  // empty: with the log; stderr, or a file
	AuditRequired bool   `mapstructure:"audit_required"`
}
