package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const switched = `package main

import "fmt"

const word = "as it is"

type thing struct{ n int }

func main() { fmt.Println(word, thing{2}.times(3, 4, 5), note()) }

func (t thing) times(factors ...int) (product int) {
	product = t.n
	for _, f := range factors {
		product *= f
	}
	return product
}

func note() string { return "well" }

func unnamed(int) { fmt.Println("a") }
`

// A program with many mutants is each of them on demand, and the product otherwise.
func TestAProgramHasManyMutants(t *testing.T) {
	change := func(old, new string) (before, after map[string]string) {
		return map[string]string{"main.go": switched}, map[string]string{"main.go": strings.Replace(switched, old, new, 1)}
	}
	s := newSwitches()
	for i, edit := range [][2]string{{"*= f", "+= f"}, {"t.n", "t.n + 1"}, {"well", "ill"}} {
		if before, after := change(edit[0], edit[1]); !s.add(i, before, after) {
			t.Fatalf("%q is not taken", edit)
		}
	}
	for _, edit := range [][2]string{
		{`"as it is"`, `"changed"`}, {"n int", "n int64"}, {`"a"`, `"b"`}, {"factors ...int", "factors []int"}, {`import "fmt"`, `import fmt "log"`},
	} {
		if before, after := change(edit[0], edit[1]); s.add(9, before, after) {
			t.Errorf("%q is taken, though more than the body of a function changes", edit)
		}
	}
	files, err := s.files()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	files["go.mod"] = "module x\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", "x", ".")
	build.Dir = folder
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for chosen, want := range map[string]string{
		"": "as it is 120 well\n", "0": "as it is 14 well\n", "1": "as it is 180 well\n", "2": "as it is 120 ill\n",
	} {
		cmd := exec.Command(filepath.Join(folder, "x"))
		cmd.Env = append(os.Environ(), variable+"="+chosen)
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("mutant %q: %v, %q, want %q", chosen, err, out, want)
		}
	}
}
