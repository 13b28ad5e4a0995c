package storetest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
)

//go:embed peer.py
var djangoProgram string

const python = "/usr/bin/python3"

// Django is a running Django that works on the records of a store. It belongs to one test; what goes wrong in it ends the test.
type Django struct {
	t   testing.TB
	in  io.Writer
	out *json.Decoder
	// asked is called after each answer; nil: nothing is.
	asked func()
}

// StartDjango starts Django with the given settings, by their names in Django. Without Django on the machine the test is
// skipped, or fails where the environment variable CI is "true".
func StartDjango(t testing.TB, settings map[string]any) *Django {
	t.Helper()
	if output, err := exec.Command(python, "-c", "import django").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("Django is not installed: %v\n%s", err, output)
		}
		t.Skip("Django is not installed (Debian: python3-django)")
	}
	cmd := exec.Command(python, "-W", "ignore", "-c", djangoProgram)
	cmd.Dir, cmd.Stderr = t.TempDir(), os.Stderr // Python imports from its folder
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	d := &Django{t: t, in: in, out: json.NewDecoder(out)}
	d.send(settings)
	t.Logf("Django %s", d.must("hello", nil).Text)
	return d
}

// Answer is what Django said.
type Answer struct {
	Error  string // class and text of an exception
	Key    string // the session's key afterwards
	Found  bool   // there is a session of that key
	Data   *pyvalue.Dict
	Age    time.Duration
	Closes bool // with the browser
	Text   string
}

func (d *Django) send(v any) {
	d.t.Helper()
	line, err := json.Marshal(v)
	if err == nil {
		_, err = d.in.Write(append(line, '\n'))
	}
	if err != nil {
		d.t.Fatalf("ask Django: %v", err)
	}
}

// Ask sends one request; the names and arguments are those of class Requests in peer.py.
func (d *Django) Ask(op string, args map[string]any) Answer {
	d.t.Helper()
	request := map[string]any{"op": op}
	for name, value := range args {
		request[name] = value
	}
	d.send(request)
	var answer struct {
		Error, Key, Text string
		Found, Closes    bool
		Data             []byte
		Age              float64
	}
	if err := d.out.Decode(&answer); err != nil {
		d.t.Fatalf("Django's answer to %s: %v", op, err)
	}
	a := Answer{Error: answer.Error, Key: answer.Key, Found: answer.Found, Closes: answer.Closes, Text: answer.Text,
		Age: time.Duration(answer.Age * float64(time.Second))}
	if len(answer.Data) > 0 {
		data, err := pyvalue.ParseJSON(answer.Data)
		if err != nil {
			d.t.Fatalf("Django's session data %.200q: %v", answer.Data, err)
		}
		a.Data = data
	}
	if d.asked != nil {
		d.asked()
	}
	return a
}

func (d *Django) must(op string, args map[string]any) Answer {
	d.t.Helper()
	answer := d.Ask(op, args)
	if answer.Error != "" {
		d.t.Fatalf("Django: %s %v: %s", op, args, answer.Error)
	}
	return answer
}

// Load reads the session.
func (d *Django) Load(key string) Answer {
	d.t.Helper()
	return d.must("load", map[string]any{"key": key})
}

// Create saves a new session with the data, which must be JSON's.
func (d *Django) Create(data *pyvalue.Dict) Answer {
	d.t.Helper()
	return d.must("create", map[string]any{"data": d.encode(data)})
}

// Update replaces the data of a session; it may fail as Django's save does.
func (d *Django) Update(key string, data *pyvalue.Dict) Answer {
	d.t.Helper()
	return d.Ask("update", map[string]any{"key": key, "data": d.encode(data)})
}

// Delete ends a session.
func (d *Django) Delete(key string) { d.t.Helper(); d.must("delete", map[string]any{"key": key}) }

// Call runs a management command and returns its output.
func (d *Django) Call(args ...string) string {
	d.t.Helper()
	return d.must("call", map[string]any{"args": args}).Text
}

func (d *Django) encode(data *pyvalue.Dict) []byte {
	d.t.Helper()
	text, err := pyvalue.AppendJSON(nil, data)
	if err != nil {
		d.t.Fatal(err)
	}
	return text
}

// shorten keeps failures readable.
func shorten(d *pyvalue.Dict) string {
	text := strings.ToValidUTF8(fmt.Sprint(d.Entries()), "?")
	return text[:min(len(text), 300)]
}
