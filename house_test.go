//go:build !race

// Nothing of the program runs in here: ./test runs it without the race detector.

package tocsin_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the first line of go.mod.
const module = "tocsin"

// The floors of the house. A room imports rooms of lower floors only.
const (
	ground  = 1 + iota // nouns and the record
	crafts             // each alone, readable alone
	work               // stations
	face               // what people and programs outside meet
	roof               // wires the rooms together, steps back
	outside            // tests of the whole house, in the root
)

// plan holds every room of the house. A room that is made is entered here, with
// its floor; one that isn't made yet has no line.
var plan = map[string]struct {
	floor int
	// beside names the rooms of the same floor that it may import.
	beside []string
	// pure rooms are handed every value and the moment among them: they know no
	// context, database, network or clock.
	pure bool
	// only the standard library and lower rooms.
	standard bool
}{
	"casebook":   {floor: ground, pure: true, standard: true},
	"ledger":     {floor: ground, pure: true, beside: []string{"casebook"}},
	"traffic":    {floor: ground, pure: true, standard: true},
	"unpack":     {floor: ground, pure: true, beside: []string{"casebook"}},
	"intake":     {floor: crafts},
	"feed":       {floor: crafts, pure: true},
	"indicator":  {floor: crafts, pure: true},
	"capture":    {floor: crafts, pure: true},
	"attribute":  {floor: crafts, pure: true},
	"regime":     {floor: crafts, pure: true},
	"clock":      {floor: crafts},
	"courier":    {floor: crafts},
	"report":     {floor: crafts, pure: true},
	"detect":     {floor: crafts, pure: true},
	"access":     {floor: crafts, pure: true},
	"store":      {floor: crafts},
	"desk":       {floor: work},
	"watch":      {floor: work},
	"sensor":     {floor: work},
	"web":        {floor: face},
	"seed":       {floor: face},
	"demo":       {floor: face, beside: []string{"web"}},
	"cmd/tocsin": {floor: roof},
	".":          {floor: outside},
}

// impure is what a pure room doesn't import.
var impure = []string{"context", "database/sql", "net/http"}

// sqlImports are the packages that only store imports, outside tests.
var sqlImports = []string{"database/sql", "github.com/jackc/pgx", "modernc.org/sqlite"}

// maxLines is the length at which a file has hidden a second noun.
const maxLines = 500

// long names the files that may be longer, each with its reason.
var long = map[string]string{}

// sleepers names the test files that may sleep outside a synctest bubble, each
// with its reason.
var sleepers = map[string]string{}

// source is one Go file of the house.
type source struct {
	path  string // relative to the root, with slashes
	lines int
	fset  *token.FileSet
	ast   *ast.File
}

func (s source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// room is the room that a folder belongs to: its first name, or two for a program.
// A folder inside a room is part of that room.
func room(dir string) string {
	names := strings.SplitN(dir, "/", 3)
	if names[0] == "cmd" && len(names) > 1 {
		return names[0] + "/" + names[1]
	}
	return names[0]
}

func (s source) room() string { return room(path.Dir(s.path)) }

// at says where a node stands.
func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.fset.Position(n.Pos()).Line)
}

func parse(name string, text []byte) (source, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return source{name, strings.Count(string(text), "\n"), fset, f}, err
}

// house reads every Go file below the root, but for folders that the go command
// passes over too.
func house(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != "." && (base[0] == '.' || base[0] == '_' || base == "testdata" || name == "bin" || name == "data") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(name), text)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// faults inspects the house and says in a line each what breaks its rules.
func faults(all []source) []string {
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	for _, s := range all {
		if _, ok := plan[s.room()]; !ok {
			say("%s: the room %s isn't in the plan: enter it in house_test.go, with its floor", s.path, s.room())
			continue
		}
		checkImports(s, say)
		checkCalls(s, say)
		if reason := long[s.path]; s.lines > maxLines && !s.test() && reason == "" {
			say("%s: %d lines, over %d: look for the second noun", s.path, s.lines, maxLines)
		}
	}
	checkComments(all, say)
	slices.Sort(said)
	return said
}

// checkImports holds a file's imports against the plan. A test drives its room the
// way its neighbours and the rooms above do, so it may import any room but the roof,
// and any library; the compiler keeps such tests out of the room itself.
func checkImports(s source, say func(string, ...any)) {
	here := plan[s.room()]
	for _, spec := range s.ast.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		target, inside := strings.CutPrefix(name, module+"/")
		if inside {
			target = room(target)
		}
		there, planned := plan[target]
		switch {
		case inside && !planned:
			say("%s: imports %s, which isn't in the plan", s.at(spec), name)
		case inside && target == s.room():
		case inside && there.floor == roof:
			say("%s: imports %s: nothing imports the roof", s.at(spec), name)
		case s.test():
		case inside && there.floor > here.floor:
			say("%s: %s imports %s, which stands above it: imports fall", s.at(spec), s.room(), target)
		case inside && there.floor == here.floor && !slices.Contains(here.beside, target):
			say("%s: %s imports its neighbour %s: what both need belongs below them, what joins them above", s.at(spec), s.room(), target)
		case here.standard && !inside && strings.Contains(strings.Split(name, "/")[0], "."):
			say("%s: %s imports %s, and may import the standard library only", s.at(spec), s.room(), name)
		case here.pure && slices.Contains(impure, name):
			say("%s: %s imports %s: a pure room is handed values and knows no context, database or network", s.at(spec), s.room(), name)
		case s.room() != "store" && slices.ContainsFunc(sqlImports, func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") }):
			say("%s: imports %s: all SQL is in store", s.at(spec), name)
		}
	}
}

// sqlText finds statements by their capitals, as store writes them.
var sqlText = regexp.MustCompile(`^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|ALTER TABLE|DROP TABLE|PRAGMA)\s`)

// checkCalls looks for SQL outside store, for a clock in a pure room, and for a
// test that sleeps by the real clock: in a synctest bubble a month takes a
// millisecond, outside it a test that waits is slow and sometimes wrong.
func checkCalls(s source, say func(string, ...any)) {
	var bubbles []ast.Node
	ast.Inspect(s.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			text, _ := strconv.Unquote(n.Value)
			if n.Kind == token.STRING && !s.test() && s.room() != "store" && sqlText.MatchString(text) {
				say("%s: SQL outside store: %.40q", s.at(n), text)
			}
		case *ast.CallExpr:
			if selects(n.Fun, "synctest", "Test") {
				bubbles = append(bubbles, n)
			}
		case *ast.SelectorExpr:
			if selects(n, "time", "Now") && !s.test() && plan[s.room()].pure {
				say("%s: %s asks the clock: a pure room is handed the moment", s.at(n), s.room())
			}
			inBubble := slices.ContainsFunc(bubbles, func(b ast.Node) bool { return b.Pos() <= n.Pos() && n.End() <= b.End() })
			if selects(n, "time", "Sleep") && s.test() && !inBubble && sleepers[s.path] == "" {
				say("%s: a test sleeps outside synctest.Test: wait for what it waits for, or use a bubble", s.at(n))
			}
		}
		return true
	})
}

func selects(e ast.Expr, pkg, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// checkComments looks for the comment that opens each package and says what it is
// for.
func checkComments(all []source, say func(string, ...any)) {
	opened := map[string]bool{}
	for _, s := range all {
		if s.test() {
			continue
		}
		dir := path.Dir(s.path)
		want := "Package " + s.ast.Name.Name + " "
		if s.ast.Name.Name == "main" {
			want = "Command " + path.Base(dir) + " "
		}
		opened[dir] = opened[dir] || s.ast.Doc != nil && strings.HasPrefix(s.ast.Doc.Text(), want)
	}
	for dir, ok := range opened {
		if !ok {
			say("%s: no file opens with a comment that says what the package is for (\"Package %s …\", \"Command %[2]s …\")", dir, path.Base(dir))
		}
	}
}

func TestHouse(t *testing.T) {
	all := house(t)
	for _, fault := range faults(all) {
		t.Error(fault)
	}
	page, err := os.ReadFile("docs/house.md")
	if err != nil {
		t.Fatal(err)
	}
	unsaid := map[string]bool{}
	for _, s := range all {
		if r := s.room(); r != "." && !strings.Contains(string(page), "`"+r+"`") {
			unsaid[r] = true
		}
	}
	for r := range unsaid {
		t.Errorf("docs/house.md doesn't speak of the room `%s`", r)
	}
}

// TestHouseExceptions keeps the lists of exceptions from outliving their reasons.
func TestHouseExceptions(t *testing.T) {
	lines := map[string]int{}
	for _, s := range house(t) {
		lines[s.path] = s.lines
	}
	for name := range long {
		if lines[name] <= maxLines {
			t.Errorf("%s has %d lines and needs no exception: take it off the list", name, lines[name])
		}
	}
	for name := range sleepers {
		if lines[name] == 0 {
			t.Errorf("%s doesn't exist and needs no exception: take it off the list", name)
		}
	}
}

// TestHouseNotices breaks each rule once.
func TestHouseNotices(t *testing.T) {
	doc := func(name string) string { return "// Package " + name + " is for a test.\npackage " + name + "\n" }
	for _, c := range []struct{ name, path, text, want string }{
		{"a sound room", "desk/desk.go", doc("desk") + `import _ "tocsin/store"`, ""},
		{"an unplanned room", "attic/attic.go", doc("attic"), "isn't in the plan"},
		{"an unplanned program", "cmd/other/main.go", "// Command other is for a test.\npackage main\n", "isn't in the plan"},
		{"an import of an unplanned room", "desk/desk.go", doc("desk") + `import _ "tocsin/attic"`, "isn't in the plan"},
		{"an import that rises", "store/store.go", doc("store") + `import _ "tocsin/desk"`, "imports fall"},
		{"a neighbour", "feed/feed.go", doc("feed") + `import _ "tocsin/attribute"`, "its neighbour attribute"},
		{"a neighbour's inner folder", "feed/feed.go", doc("feed") + `import _ "tocsin/store/migration"`, "its neighbour store"},
		{"a named arrow beside", "ledger/ledger.go", doc("ledger") + `import _ "tocsin/casebook"`, ""},
		{"that arrow turned round", "casebook/casebook.go", doc("casebook") + `import _ "tocsin/ledger"`, "its neighbour ledger"},
		{"the roof", "web/web_test.go", "package web\n" + `import _ "tocsin/cmd/tocsin"`, "nothing imports the roof"},
		{"a library under the nouns", "casebook/casebook.go", doc("casebook") + `import _ "golang.org/x/mod/semver"`, "standard library only"},
		{"a context in a pure room", "feed/feed.go", doc("feed") + `import _ "context"`, "pure room"},
		{"a clock in a pure room", "attribute/a.go", doc("attribute") + "import \"time\"\nvar _ = time.Now()", "handed the moment"},
		{"SQL by import", "desk/desk.go", doc("desk") + `import _ "database/sql"`, "all SQL is in store"},
		{"a driver", "web/web.go", doc("web") + `import _ "github.com/jackc/pgx/v5"`, "all SQL is in store"},
		{"SQL by text", "desk/desk.go", doc("desk") + "const q = `\n\tSELECT id FROM finding`", "SQL outside store"},
		{"an English select", "desk/desk.go", doc("desk") + "const q = `Select a feed`", ""},
		{"a test that imports upward", "feed/feed_test.go", "package feed_test\n" + `import _ "tocsin/desk"`, ""},
		{"a test that sleeps", "desk/a_test.go", "package desk\nimport \"time\"\nfunc f() { time.Sleep(1) }", "sleeps outside"},
		{"a test that sleeps in a bubble", "desk/a_test.go", "package desk\nimport (\"time\"; \"testing/synctest\")\nfunc f() { synctest.Test(nil, func(t *testing.T) { time.Sleep(1) }) }", ""},
		{"a long file", "desk/desk.go", doc("desk") + strings.Repeat("\n", maxLines), "second noun"},
		{"no package comment", "desk/desk.go", "package desk\n", "what the package is for"},
		{"no program comment", "cmd/tocsin/main.go", "// Package main is wrong.\npackage main\n", "what the package is for"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := parse(c.path, []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(faults([]source{s}), "\n")
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
		})
	}
}
