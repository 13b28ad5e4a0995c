package passwordpolicy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"coatcheck/auth"
	"coatcheck/internal/testenv"

	"github.com/google/go-cmp/cmp"
)

func all(t testing.TB) *Policy {
	t.Helper()
	p, err := New([]string{Length, Similarity, Common, Numeric}, DefaultMinLength)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func names(faults []auth.PasswordFault) []string {
	found := []string{}
	for _, f := range faults {
		found = append(found, f.Name)
	}
	return found
}

func TestCheck(t *testing.T) {
	user := auth.User{Username: "hanna.mueller", FirstName: "Hanna", LastName: "Müller", Email: "hm@firma.example"}
	for _, c := range []struct {
		password string
		want     []string
	}{
		{"correct horse battery", []string{}},
		{"short", []string{"length"}},
		{"Passw0rd", []string{"common"}},
		{"48151623421", []string{"numeric"}},
		{"１２３４５６７８９", []string{"numeric"}},
		{"①②③④⑤⑥⑦⑧⑨", []string{"numeric"}},
		{"12345678", []string{"common", "numeric"}},
		{"1234", []string{"length", "common", "numeric"}},
		{"Hanna.Mueller1", []string{"similar-username"}},
		{"reLLüm42", []string{"similar-last_name"}},
		{"firma.example", []string{"similar-email"}},
		{"grün, blue & 100% safe", []string{}},
	} {
		if d := cmp.Diff(c.want, names(all(t).Check(c.password, user))); d != "" {
			t.Errorf("%q: %s", c.password, d)
		}
	}
}

func TestOnlyTheValidatorsNamed(t *testing.T) {
	for _, c := range []struct {
		validators []string
		min        int
		want       []string
	}{
		{nil, 8, []string{}},
		{[]string{Length}, 8, []string{"length"}},
		{[]string{Length}, 4, []string{}},
		{[]string{Common}, 8, []string{"common"}},
		{[]string{Numeric}, 8, []string{"numeric"}},
		{[]string{Similarity}, 8, []string{"similar-username"}},
	} {
		p, err := New(c.validators, c.min)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, names(p.Check("1234", auth.User{Username: "01234"}))); d != "" {
			t.Errorf("%q, %d: %s", c.validators, c.min, d)
		}
	}
}

// Django's own validators say the same of thousands of passwords: made of words of the users, of common ones, of digits, of odd letters.
func TestSaysWhatDjangoSays(t *testing.T) {
	type line struct {
		Password  string `json:"password"`
		Username  string `json:"username"`
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
		Email     string `json:"email"`
	}
	const cases = 6000
	random := rand.New(rand.NewPCG(7, 42))
	common := make([]string, 0, 20000)
	for word := range all(t).common {
		common = append(common, word)
	}
	people := []line{
		{Username: "alice", FirstName: "Alice", LastName: "Liddell", Email: "alice.liddell@wonderland.example"},
		{Username: "Οδυσσεύς", FirstName: "ΟΔΥΣΣΕΥΣ", LastName: "İthaki", Email: "o@x.gr"},
		{Username: "j_doe-42", LastName: "van der Straßen", Email: "j.doe+news@corp.example"},
		{Username: "x"},
	}
	pieces := []string{"alice", "ALICE", "ecila", "liddell", "wonder", "ΟΔΥΣΣΕΥΣ", "odysseus", "İthaki", "straßen", "doe", "42", "_", "-", " ", "\u0301", "²", "①", "٣", "½", "一", "x", "!", "q", "Z", "7", "\u001f", "\u00a0"}
	var input bytes.Buffer
	var asked []line
	for range cases {
		who := people[random.IntN(len(people))]
		switch random.IntN(4) {
		case 0:
			who.Password = common[random.IntN(len(common))]
			if random.IntN(2) == 0 {
				who.Password = " " + strings.ToUpper(who.Password)
			}
		case 1:
			for range 1 + random.IntN(14) {
				who.Password += string(rune('0' + random.IntN(10)))
			}
		default:
			for range 1 + random.IntN(8) {
				who.Password += pieces[random.IntN(len(pieces))]
			}
		}
		text, err := json.Marshal(who)
		if err != nil {
			t.Fatal(err)
		}
		asked = append(asked, who)
		input.Write(append(text, '\n'))
	}
	command := exec.CommandContext(t.Context(), testenv.DjangoPython(t), "testdata/validate.py")
	command.Stdin = &input
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("validate.py: %v\n%s", err, stderr.String())
	}
	policy, lines, refused := all(t), bufio.NewScanner(bytes.NewReader(output)), 0
	for _, who := range asked {
		if !lines.Scan() {
			t.Fatal("Django said too little")
		}
		want := []string{}
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		got := names(policy.Check(who.Password, auth.User{Username: who.Username, FirstName: who.FirstName, LastName: who.LastName, Email: who.Email}))
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%+q: %s", who, d)
		}
		refused += min(len(want), 1)
	}
	if refused < cases/10 || refused > cases*9/10 {
		t.Errorf("%d of %d were refused: this compares too little", refused, cases)
	}
}

func BenchmarkCheck(b *testing.B) {
	p := all(b)
	b.ReportAllocs()
	for b.Loop() {
		p.Check("correct horse battery", auth.User{Username: "alice", FirstName: "Alice", LastName: "Liddell", Email: "alice@example.com"})
	}
}
