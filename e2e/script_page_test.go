package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The script shows a password and tells of Caps Lock; without it the same form logs in.
func TestPasswordHelp_6_2_6(t *testing.T) {
	t.Parallel()
	p := library(t)
	s := newScreen(t, p.URL)
	s.visit("/")
	s.login("hanna", "not it", false)
	s.do(chromedp.KeyEvent("sicher"))
	s.tabTo(".reveal")
	s.do(chromedp.KeyEvent(kb.Enter))
	if kind := value[string](s, "document.querySelector('#password').type"); kind != "text" {
		t.Errorf("the password is a field of type %q", kind)
	}
	if label := value[string](s, "document.activeElement.getAttribute('aria-label')"); label != "Hide password" {
		t.Errorf("the button says %q", label)
	}
	s.do(chromedp.KeyEvent(" "))
	if kind := value[string](s, "document.querySelector('#password').type"); kind != "password" {
		t.Errorf("hidden again, it is a field of type %q", kind)
	}
	for caps, want := range map[string]string{"true": "Caps Lock is on.", "false": ""} {
		got := value[string](s, "document.querySelector('#password').dispatchEvent(new KeyboardEvent('keydown', {key: 'A', modifierCapsLock: "+caps+"})); document.querySelector('.hint').textContent")
		if got != want {
			t.Errorf("Caps Lock %s: the hint is %q", caps, got)
		}
	}
	s.quiet("401 (Unauthorized)")

	bare := newScreen(t, p.URL)
	ask(bare, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	bare.visit("/.auth/account")
	if got := bare.text("form"); strings.Contains(got, "Show") {
		t.Errorf("without script the form is %q", got)
	}
	bare.do(chromedp.SendKeys(chromedp.CSS("#username"), "hanna"))
	bare.then(chromedp.SendKeys(chromedp.CSS("#password"), userPassword+kb.Enter))
	if got := bare.text("h1"); got != "Your account" {
		t.Errorf("without script the login leads to %q", got)
	}
	const fresh = "eine Brücke über den Fluss"
	for id, text := range map[string]string{"#current": userPassword, "#new": fresh} {
		bare.do(chromedp.SendKeys(chromedp.CSS(id), text))
	}
	bare.then(chromedp.SendKeys(chromedp.CSS("#again"), fresh+kb.Enter))
	if got := bare.text("[role=status]"); !strings.HasPrefix(got, "Your password is changed") {
		t.Errorf("without script the password is not changed: %q", got)
	}
}
