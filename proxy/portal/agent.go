package portal

import (
	"strings"

	"coatcheck/proxy/wording"
)

// agent is what a User-Agent says in words: "Firefox" on "Linux". What is not known stays empty; nothing is guessed.
type agent struct {
	browser, system string
	recorded        bool
}

// mark is a part of a User-Agent and whom it stands for. The first that is found counts, so the order must not be changed: nearly
// every browser claims to be Chrome and Safari, too.
type mark struct{ part, name string }

func browserMarks() []mark {
	return []mark{
		{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
		{"YaBrowser/", "Yandex Browser"}, {"DuckDuckGo/", "DuckDuckGo"}, {"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS/", "Chrome"},
		{"HeadlessChrome/", "Chrome"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"}, {"MSIE ", "Internet Explorer"}, {"Trident/", "Internet Explorer"},
		{"Epiphany/", "GNOME Web"}, {"Konqueror/", "Konqueror"}, {"Version/", "Safari"},
		{"curl/", "curl"}, {"Wget/", "Wget"}, {"python-requests/", "python-requests"}, {"Python-urllib/", "Python-urllib"}, {"Go-http-client/", "Go-http-client"},
		{"okhttp/", "okhttp"}, {"PostmanRuntime/", "Postman"}, {"Lynx/", "Lynx"},
	}
}

func systemMarks() []mark {
	return []mark{
		{"Windows", "Windows"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"},
		{"Mac OS X", "macOS"}, {"Macintosh", "macOS"}, {"FreeBSD", "FreeBSD"}, {"OpenBSD", "OpenBSD"}, {"Ubuntu", "Ubuntu"}, {"Linux", "Linux"},
	}
}

func describeAgent(header string) agent {
	a := agent{recorded: header != "", browser: find(header, browserMarks()), system: find(header, systemMarks())}
	if a.browser == "Safari" && !strings.Contains(header, "Safari/") { // Version/ alone is anybody's
		a.browser = ""
	}
	return a
}

func find(header string, marks []mark) string {
	for _, m := range marks {
		if strings.Contains(header, m.part) {
			return m.name
		}
	}
	return ""
}

// in says the device in a language.
func (a agent) in(l *wording.Language) string {
	values := wording.Values{"browser": a.browser, "system": a.system}
	switch {
	case a.browser != "" && a.system != "":
		return l.Say("device.both", values)
	case a.browser != "":
		return l.Say("device.browser", values)
	case a.system != "":
		return l.Say("device.system", values)
	case a.recorded:
		return l.Say("device.unknown", nil)
	}
	return l.Say("device.none", nil)
}
