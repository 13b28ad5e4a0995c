package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"coatcheck/internal/testenv"

	"github.com/google/go-cmp/cmp"
)

// A real Django and the proxy share sessions and users. Each test has users of its own, so that they run side by side.
func TestPeers(t *testing.T) {
	tests := []struct {
		name string
		test func(*testing.T, *house)
	}{
		{"login at the proxy", testLoginAtProxy},
		{"login at Django", testLoginAtDjango},
		{"client-sent identity 4.1.3", testSpoofedIdentity},
		{"logout at the proxy", testLogoutAtProxy},
		{"logout at Django", testLogoutAtDjango},
		{"password change at Django", testPasswordChangeAtDjango},
		{"password change that keeps the session", testPasswordChangeKept},
		{"password change on the account page", testPasswordChangeHere},
		{"password change by the command", testPasswordChangeByCommand},
		{"deactivation at Django", testDeactivationAtDjango},
		{"deactivation by the command", testDeactivationByCommand},
		{"deletion by the command", testDeletionByCommand},
		{"cart kept through a login", testCart},
		{"login as another user", testAnotherUser},
		{"expired session", testExpired},
		{"shared computer", testSharedComputer},
		{"expiry chosen by Django", testExpiryOfDjango},
		{"password column upgraded by Django", testUpgradeByDjango},
		{"rules see Django's changes", testRules},
		{"F26 secret key rotated", testRotation},
		{"F26 wrong secret key", testWrongSecret},
	}
	forEachEngine(t, func(t *testing.T, e engine) {
		h := newHouse(t, e, testenv.DjangoOptions{})
		for _, c := range tests {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.test(t, h)
			})
		}
	})
}

func testLoginAtProxy(t *testing.T, h *house) {
	name := h.user(t, "editors", "admins")
	v := h.visitor(t)
	v.login(name, userPassword)
	h.expect(t, "after the login", v.cookie("sessionid"), name)
	who := v.at(h.site.URL).whoami()
	if !who.Authenticated || who.Session["_auth_user_backend"] != "django.contrib.auth.backends.ModelBackend" {
		t.Errorf("Django sees %+v", who)
	}
	got := v.echoed("/app")
	want := map[string]string{"Remote-User": name, "Remote-Email": name + "@example.com", "Remote-Groups": "admins,editors", "Cookie": ""}
	for header, value := range want {
		if got := got.Get(header); got != value {
			t.Errorf("the application received %s: %q, want %q", header, got, value)
		}
	}
	if shown := h.command(t, "", "user", "show", name, "--json"); strings.Contains(shown, `"last_login": null`) {
		t.Errorf("the login is not recorded: %s", shown)
	}
}

func testLoginAtDjango(t *testing.T, h *house) {
	name := h.user(t, "editors")
	v := h.visitor(t)
	v.djangoLogin(name, userPassword)
	h.expect(t, "after the login through the proxy", v.cookie("sessionid"), name)
	if got := v.echoed("/app").Get("Remote-Groups"); got != "editors" {
		t.Errorf("Remote-Groups: got %q, want editors", got)
	}
	direct := newVisitor(t, h.site.URL)
	direct.djangoLogin(name, userPassword)
	h.expect(t, "after the login at Django itself", direct.cookie("sessionid"), name)
}

// spellings of one header that WSGI servers and PHP fold to the same name.
var spellings = []string{"Remote-User", "remote-user", "REMOTE_USER", "Remote_User", "remote-User", "X-Forwarded-User", "X_Forwarded_User", "X-Remote-User", "x_remote-user"}

func testSpoofedIdentity(t *testing.T, h *house) {
	name := h.user(t)
	v := h.visitor(t)
	for _, when := range []string{"nobody", name} {
		if when == name {
			v.login(name, userPassword)
		}
		for _, path := range []string{"/open", "/whoami", "/app"} {
			req := v.request(http.MethodGet, path, "", "Accept", "application/json")
			for _, spelling := range spellings {
				req.Header[spelling] = []string{"intruder"}
			}
			if res := v.do(req); strings.Contains(res.Text, "intruder") {
				t.Errorf("logged in as %s, %s: the application received a header of the client:\n%s", when, path, res.Text)
			}
		}
	}
}

func testLogoutAtProxy(t *testing.T, h *house) {
	name := h.user(t)
	v, other := h.visitor(t), h.visitor(t)
	v.login(name, userPassword)
	other.djangoLogin(name, userPassword)
	old := v.cookie("sessionid")
	if res := v.logout(); res.StatusCode != http.StatusSeeOther || v.cookie("sessionid") != "" {
		t.Fatalf("logout: %s, cookie %q; want 303 and no cookie", res.Status, v.cookie("sessionid"))
	}
	h.expectAtProxy(t, "a copy of the cookie", old, "")
	if h.engine.cookie { // Django's own limit: its sessions are in the cookie alone
		h.expectAtDjango(t, "a copy of the cookie", old, name)
	} else {
		h.expectAtDjango(t, "a copy of the cookie", old, "")
	}
	h.expect(t, "the other browser", other.cookie("sessionid"), name)
	other.logout()
	h.expectAtProxy(t, "the other browser, logged out", other.cookie("sessionid"), "")
}

func testLogoutAtDjango(t *testing.T, h *house) {
	name := h.user(t)
	for _, base := range []string{h.proxy.URL, h.site.URL} {
		v := h.visitor(t)
		v.login(name, userPassword)
		old := v.cookie("sessionid")
		v.at(base).must("/logout")
		if got := v.cookie("sessionid"); got != "" {
			t.Errorf("logout at %s left the cookie %q", base, got)
		}
		h.expect(t, "the browser", v.cookie("sessionid"), "")
		if !h.engine.cookie { // a copy of a signed cookie outlives a logout at Django
			h.expect(t, "a copy of the cookie", old, "")
		}
	}
}

func (v *visitor) djangoPassword(password, keep string) {
	v.t.Helper()
	res := v.post("/password-change", url.Values{"password": {password}, "keep": {keep}})
	if res.StatusCode != http.StatusOK {
		v.t.Fatalf("password change: %s\n%.1000s", res.Status, res.Text)
	}
}

func testPasswordChangeAtDjango(t *testing.T, h *house) {
	name := h.user(t)
	v, other := h.visitor(t), h.visitor(t)
	v.djangoLogin(name, userPassword)
	other.login(name, userPassword)
	v.djangoPassword("another one", "")
	soon(t, "the other session ends at the proxy", func() bool { return visitorWith(t, h.proxy.URL, other.cookie("sessionid")).app() == "" })
	h.expect(t, "the other session", other.cookie("sessionid"), "")
	h.expect(t, "the session of the change", v.cookie("sessionid"), "")
	if res := other.post("/.auth/login", url.Values{"username": {name}, "password": {userPassword}}); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("login with the old password: %s, want 401", res.Status)
	}
	other.login(name, "another one")
	h.expect(t, "after a login with the new password", other.cookie("sessionid"), name)
}

// update_session_auth_hash keeps the session in which the password was changed, under a new key.
func testPasswordChangeKept(t *testing.T, h *house) {
	name := h.user(t)
	v, other := h.visitor(t), h.visitor(t)
	v.login(name, userPassword)
	other.login(name, userPassword)
	old := v.cookie("sessionid")
	v.djangoPassword("another one", "1")
	if v.cookie("sessionid") == old {
		t.Error("Django's new key did not reach the browser")
	}
	h.expect(t, "the session of the change", v.cookie("sessionid"), name)
	h.expect(t, "its old cookie", old, "")
	h.expect(t, "the other session", other.cookie("sessionid"), "")
}

// As update_session_auth_hash does it: this session goes on at both sides, under a new key, and every other one is over.
func testPasswordChangeHere(t *testing.T, h *house) {
	name := h.user(t)
	v, other, third := h.visitor(t), h.visitor(t), h.visitor(t)
	v.djangoLogin(name, userPassword)
	other.djangoLogin(name, userPassword)
	third.login(name, userPassword)
	old := v.cookie("sessionid")
	const fresh = "eine Brücke über den Fluss"
	if res := v.post("/.auth/account/password", url.Values{"current": {userPassword}, "new": {fresh}, "again": {fresh}}); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("change: %s\n%s", res.Status, res.Text)
	}
	if v.cookie("sessionid") == old {
		t.Error("the key is the old one")
	}
	h.expect(t, "the session of the change", v.cookie("sessionid"), name)
	h.expect(t, "its old cookie", old, "")
	h.expect(t, "another session of Django's", other.cookie("sessionid"), "")
	h.expect(t, "another session of ours", third.cookie("sessionid"), "")
	other.djangoLogin(name, fresh)
	h.expect(t, "after a login at Django with the new password", other.cookie("sessionid"), name)
}

func testPasswordChangeByCommand(t *testing.T, h *house) {
	name := h.user(t)
	v, other := h.visitor(t), h.visitor(t)
	v.login(name, userPassword)
	other.djangoLogin(name, userPassword)
	h.command(t, "another one\n", "user", "passwd", name, "--password-stdin")
	soon(t, "the session ends at the proxy", func() bool { return visitorWith(t, h.proxy.URL, v.cookie("sessionid")).app() == "" })
	h.expect(t, "a session begun at the proxy", v.cookie("sessionid"), "")
	h.expect(t, "a session begun at Django", other.cookie("sessionid"), "")
	v.djangoLogin(name, "another one")
	h.expect(t, "after a login with the new password", v.cookie("sessionid"), name)
}

func testDeactivationAtDjango(t *testing.T, h *house) {
	name := h.user(t)
	h.testDeactivation(t, name, func() { h.site.Get(h.site.Client(), "/deactivate/"+name) }, func() { h.site.Get(h.site.Client(), "/activate/"+name) })
}

func testDeactivationByCommand(t *testing.T, h *house) {
	name := h.user(t)
	h.testDeactivation(t, name, func() { h.command(t, "", "user", "disable", name) }, func() { h.command(t, "", "user", "enable", name) })
}

func (h *house) testDeactivation(t *testing.T, name string, off, on func()) {
	v := h.visitor(t)
	v.login(name, userPassword)
	key := v.cookie("sessionid")
	off()
	soon(t, "nobody at the proxy", func() bool { return v.app() == "" })
	h.expect(t, "while inactive", key, "")
	if got := v.cookie("sessionid"); got != key {
		t.Errorf("while inactive the proxy changed the cookie to %q", got)
	}
	if res := newVisitor(t, h.proxy.URL).post("/.auth/login", url.Values{"username": {name}, "password": {userPassword}}); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("login of an inactive user: %s, want 401", res.Status)
	}
	on()
	soon(t, "the user is back at the proxy", func() bool { return visitorWith(t, h.proxy.URL, key).app() == name })
	h.expect(t, "reactivated", key, name)
}

func testDeletionByCommand(t *testing.T, h *house) {
	name := h.user(t, "editors")
	v := h.visitor(t)
	v.login(name, userPassword)
	h.command(t, "", "user", "delete", name)
	soon(t, "nobody at the proxy", func() bool { return v.app() == "" })
	h.expect(t, "deleted", v.cookie("sessionid"), "")
}

func testCart(t *testing.T, h *house) {
	name := h.user(t)
	v := h.visitor(t)
	v.must("/set/cart/three-apples")
	anonymous := v.cookie("sessionid")
	v.login(name, userPassword)
	key := v.cookie("sessionid")
	if key == anonymous {
		t.Error("the login kept the anonymous visitor's key")
	}
	h.expect(t, "after the login", key, name)
	if got := v.must("/get/cart").Text; got != "three-apples" {
		t.Errorf("the cart holds %q", got)
	}
	if res := visitorWith(t, h.proxy.URL, anonymous).get("/get/cart"); res.StatusCode != http.StatusNotFound {
		t.Errorf("the anonymous key after the login: %s, want 404", res.Status)
	}
	v.login(name, userPassword) // again
	if v.cookie("sessionid") == key {
		t.Error("the second login kept the key")
	}
	if got := v.must("/get/cart").Text; got != "three-apples" {
		t.Errorf("after the second login the cart holds %q", got)
	}
	v.must("/set/cart/four-pears") // Django writes into the session that the proxy made
	h.expect(t, "after Django's write", v.cookie("sessionid"), name)
}

func testAnotherUser(t *testing.T, h *house) {
	first, second := h.user(t), h.user(t)
	v := h.visitor(t)
	v.login(first, userPassword)
	v.must("/set/cart/three-apples")
	old := v.cookie("sessionid")
	v.login(second, userPassword)
	h.expect(t, "after the second user's login", v.cookie("sessionid"), second)
	if res := v.get("/get/cart"); res.StatusCode != http.StatusNotFound {
		t.Errorf("the second user finds the first one's cart: %s", res.Status)
	}
	h.expectAtProxy(t, "the first user's key", old, "")
}

func testExpired(t *testing.T, h *house) {
	name := h.user(t)
	v := h.visitor(t)
	v.login(name, userPassword)
	cookie := h.expire(t, v)
	h.expect(t, "expired", cookie, "")
	expired := visitorWith(t, h.proxy.URL, cookie)
	if res := expired.get("/app"); res.StatusCode != http.StatusSeeOther || expired.cookie("sessionid") != "" {
		t.Errorf("expired: %s, cookie %q; want 303 to the login page and no cookie", res.Status, expired.cookie("sessionid"))
	}
}

func testSharedComputer(t *testing.T, h *house) {
	name := h.user(t)
	v := h.visitor(t)
	form := url.Values{"username": {name}, "password": {userPassword}, "remember": {"off"}}
	lines := map[string]string{
		"login":          sessionLine(t, v.post("/.auth/login", form).Response),
		"Django's write": sessionLine(t, v.must("/set/a/b").Response),
		"login again":    sessionLine(t, v.post("/.auth/login", form).Response),
	}
	for when, line := range lines {
		if strings.Contains(line, "Max-Age") || strings.Contains(line, "expires") {
			t.Errorf("%s: the cookie stays after the browser closes: %s", when, line)
		}
	}
	h.expect(t, "after all", v.cookie("sessionid"), name)
	if line := sessionLine(t, v.login(name, userPassword).Response); !strings.Contains(line, "Max-Age=1209600") {
		t.Errorf("a login without the wish: %s", line)
	}
}

func testExpiryOfDjango(t *testing.T, h *house) {
	name := h.user(t)
	v := h.visitor(t)
	v.must("/set/a/b")
	v.must("/expiry/500")
	if line := sessionLine(t, v.login(name, userPassword).Response); !strings.Contains(line, "; Max-Age=500;") {
		t.Errorf("the login's cookie: %s, want Max-Age=500", line)
	}
	h.expect(t, "after the login", v.cookie("sessionid"), name)
}

// A login at Django rewrites a password column of few iterations, which ends the sessions made before; the proxy's logins leave a
// Django's column alone.
func testUpgradeByDjango(t *testing.T, h *house) {
	name := h.user(t)
	h.sql(t, "UPDATE auth_user SET password = ? WHERE username = ?", weakHash(t, userPassword), name)
	before, at := h.visitor(t), h.visitor(t)
	before.login(name, userPassword)
	h.expect(t, "with the weak hash", before.cookie("sessionid"), name)
	at.djangoLogin(name, userPassword)
	h.expect(t, "the session that Django's login began", at.cookie("sessionid"), name)
	h.expect(t, "the session from before the upgrade", before.cookie("sessionid"), "")
	before.login(name, userPassword)
	h.expect(t, "a login at the proxy after the upgrade", before.cookie("sessionid"), name)
	h.expect(t, "Django's session after that login", at.cookie("sessionid"), name)
}

func testRules(t *testing.T, h *house) {
	name := h.user(t)
	v := h.visitor(t)
	v.login(name, userPassword)
	allowed := func() string {
		var in []string
		for _, path := range []string{"/app", "/staff", "/root", "/editors"} {
			if v.echoed(path).Get("Remote-User") == name {
				in = append(in, path)
			}
		}
		return strings.Join(in, " ")
	}
	if got := allowed(); got != "/app" {
		t.Errorf("an ordinary user may open %s", got)
	}
	h.site.Shell("from django.contrib.auth.models import User, Group\nu = User.objects.get(username='" + name + "')\n" +
		"u.is_staff = u.is_superuser = True\nu.save()\nu.groups.add(Group.objects.get_or_create(name='editors')[0])")
	soon(t, "the new rights hold", func() bool { return allowed() == "/app /staff /root /editors" })
	h.sql(t, "UPDATE auth_user SET is_superuser = "+map[bool]string{true: "false", false: "0"}[h.engine.name == "db on PostgreSQL"]+" WHERE username = ?", name)
	soon(t, "the right that was taken is gone", func() bool { return allowed() == "/app /staff /editors" })
	if diff := cmp.Diff([]string{"editors"}, v.echoed("/app")["Remote-Groups"]); diff != "" {
		t.Error(diff)
	}
}

// Django 3.2 knows no fallback keys, so the peer is a proxy of the new key alone.
func testRotation(t *testing.T, h *house) {
	name := h.user(t)
	v := h.visitor(t)
	v.login(name, userPassword)
	both := h.settings
	both.secret, both.fallbacks = "the new secret key", []string{h.secret}
	p := h.serve(t, both)
	rotated := v.at(p.URL)
	if got := rotated.app(); got != name {
		t.Fatalf("with the old key as fallback: %q, want %q", got, name)
	}
	uses := func(of string) bool { return p.metrics()[`coatcheck_fallback_key_uses_total{of="`+of+`"}`] > 0 }
	if !uses("session_hash") || uses("session_record") == h.engine.unsigned() {
		t.Errorf("11.1.1: counted for the hash: %v, for the record: %v", uses("session_hash"), uses("session_record"))
	}
	counted := p.metrics()
	if got := rotated.app(); got != name {
		t.Errorf("second request with the new key: %q, want %q", got, name)
	}
	for _, of := range []string{"session_hash", "session_record"} {
		if sample := `coatcheck_fallback_key_uses_total{of="` + of + `"}`; p.metrics()[sample] != counted[sample] {
			t.Errorf("11.1.1: the second request counted again: %s", sample)
		}
	}
	if !h.engine.unsigned() {
		h.expect(t, "the old proxy, after the record was signed anew", v.cookie("sessionid"), "")
	}
	alone := both
	alone.fallbacks = nil
	if got := v.at(h.serve(t, alone).URL).app(); got != name {
		t.Errorf("after the rotation, without the fallback: %q, want %q", got, name)
	}
}

func testWrongSecret(t *testing.T, h *house) {
	name := h.user(t)
	v := h.visitor(t)
	v.login(name, userPassword)
	wrong := h.settings
	wrong.secret = "not the secret key"
	p := h.serve(t, wrong)
	res := v.at(p.URL).get("/app")
	if h.engine.unsigned() {
		if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Set-Cookie"), `sessionid="";`) {
			t.Errorf("with a wrong key: %s, Set-Cookie %q; want 303 and the deletion", res.Status, res.Header["Set-Cookie"])
		}
		soon(t, "a security event tells of the flushed session", func() bool { return len(p.events("session_flushed")) > 0 })
		return
	}
	if res.StatusCode != http.StatusSeeOther || len(res.Header["Set-Cookie"]) > 0 {
		t.Errorf("with a wrong key: %s, Set-Cookie %q; want 303 and none", res.Status, res.Header["Set-Cookie"])
	}
	soon(t, "a security event tells of the refused session", func() bool { return len(p.events("session_refused")) > 0 })
	h.expect(t, "with the right key", v.cookie("sessionid"), name)
}
