package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"golang.org/x/tools/txtar"
)

const commandsPage = "../../docs/commands.md"

// leaves gives every command as it is typed, "deliveries list" among them, and
// whether others stand below it.
func leaves(t *testing.T) (runs, groups []string) {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Name("tocsin"), kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	var walk func(n *kong.Node, path string)
	walk = func(n *kong.Node, path string) {
		for _, child := range n.Children {
			name := strings.TrimSpace(path + " " + child.Name)
			if child.Leaf() {
				runs = append(runs, name)
			} else {
				groups = append(groups, name)
			}
			walk(child, name)
		}
	}
	walk(parser.Model.Node, "")
	return runs, groups
}

// helps is what commands say of themselves, by their names: asking takes a while.
var helps = map[string]string{}

// help gives what a command says of itself.
func help(t *testing.T, name string) string {
	t.Helper()
	if said, ok := helps[name]; ok {
		return said
	}
	var out, said bytes.Buffer
	if code := run(append(strings.Fields(name), "--help"), streams{strings.NewReader(""), &out, &said}); code != 0 || said.Len() > 0 {
		t.Fatalf("tocsin %s --help: exit %d\n%s", name, code, said.String())
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	helps[name] = strings.TrimSpace(strings.Join(lines, "\n"))
	return helps[name]
}

func TestHelpHasAnExample(t *testing.T) {
	runs, groups := leaves(t)
	if len(runs) < 13 {
		t.Fatalf("got the commands %v", runs)
	}
	for _, name := range slices.Concat(runs, groups) {
		if !regexp.MustCompile(`(?m)^\s*(\S.* \| )?tocsin ` + name + `( |$)`).MatchString(strings.SplitN(help(t, name), "\n", 2)[1]) {
			t.Errorf("tocsin %s --help has no example\n%s", name, help(t, name))
		}
	}
}

var helpBlock = regexp.MustCompile("(?s)<!-- tocsin ([a-z ]+) --help -->\n```text\n(.*?)\n?```")

// TestCommandsPageHelp holds docs/commands.md against what the commands say of
// themselves; -update writes it there.
func TestCommandsPageHelp(t *testing.T) {
	text, err := os.ReadFile(commandsPage)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	now := helpBlock.ReplaceAllStringFunc(string(text), func(block string) string {
		m := helpBlock.FindStringSubmatch(block)
		told[m[1]] = true
		said := help(t, m[1])
		if said != m[2] && !*update {
			t.Errorf("docs/commands.md: tocsin %s --help says\n%s\n--- the page has\n%s", m[1], said, m[2])
		}
		return "<!-- tocsin " + m[1] + " --help -->\n```text\n" + said + "\n```"
	})
	runs, _ := leaves(t)
	slices.Sort(runs)
	if got := slices.Sorted(maps.Keys(told)); !slices.Equal(got, runs) {
		t.Errorf("docs/commands.md tells of %v, want %v", got, runs)
	}
	if *update {
		if err := os.WriteFile(commandsPage, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// keys gives the names in an object, in their order, and what kind it is. A
// sentence about a fault is another shape than one about a whole.
func keys(t *testing.T, line string) (kind string, names []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(line))
	if _, err := d.Token(); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if name == "kind" {
			kind = strings.Trim(string(value), `"`)
		}
		names = append(names, name.(string))
	}
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("%s: more than one object", line)
	}
	if slices.Contains(names, "fault") && kind == "audit" {
		kind = "audit fault"
	}
	if slices.Contains(names, "secret") {
		kind = "new " + kind
	}
	if slices.Contains(names, "timeline") || slices.Contains(names, "steps") || slices.Contains(names, "versions") || slices.Contains(names, "rows") && kind == "order" {
		kind = "whole " + kind
	}
	return kind, names
}

// TestCommandsPageShapes compares each object that docs/commands.md shows with one
// that the program prints.
func TestCommandsPageShapes(t *testing.T) {
	text, err := os.ReadFile(commandsPage)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, `{"`) {
			kind, names := keys(t, line)
			shown[kind] = names
		}
	}
	printed := map[string][]string{}
	for line := range strings.Lines(everyShape(t)) {
		kind, names := keys(t, line)
		printed[kind] = names
	}
	if !reflect.DeepEqual(shown, printed) {
		for kind := range maps.Keys(printed) {
			if !slices.Equal(shown[kind], printed[kind]) {
				t.Errorf("%s: docs/commands.md has\n%v\nthe program prints\n%v", kind, shown[kind], printed[kind])
			}
		}
		t.Errorf("docs/commands.md shows %v, the program prints %v", slices.Sorted(maps.Keys(shown)), slices.Sorted(maps.Keys(printed)))
	}
}

// botLog is a conn.log of one bot.
func botLog() string {
	log := "#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\torig_bytes\tresp_bytes\tconn_state\n"
	for i := range 30 {
		log += fmt.Sprintf("%d\tC%d\t10.0.0.5\t%d\t192.0.2.66\t4782\ttcp\t1.5\t310\t180\tSF\n", 1_764_000_000+i*60, i, 50000+i)
	}
	return log
}

// everyShape makes the program print an object of each kind.
func everyShape(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "day.csv"), "observed_at,family,ip,commit\n2026-03-14T10:00:00Z,Sample,203.0.113.1,c0ffee\nsome day,Sample,203.0.113.1,c0ffee\n")
	write(t, filepath.Join(dir, "holders.csv"), "cidr,asn\n203.0.113.0/24,64500\n")
	asJSON := []string{"--format", "json"}
	out := must(t, dir, append([]string{"load", "--feed", "c2-tracker", "day.csv"}, asJSON...)...).out
	var l loaded
	if err := json.Unmarshal([]byte(out), &l); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "conn.log"), "#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tconn_state\n")
	write(t, filepath.Join(dir, "bot.log"), botLog())
	write(t, filepath.Join(dir, "bad.csv"), "ip,port,family\n192.0.2.66,443,Emotet\n")
	for _, args := range [][]string{{"scan", "bot.log"}, {"holding", "import", "holders.csv"}, {"status"}, {"findings"}, {"deliveries", "list"}, {"deliveries", "show", l.Delivery}, {"audit"}, {"feeds"}, {"captures"}, {"captures", "conn.log"},
		{"indicator", "check", "bad.csv"}, {"indicator", "ask", "--indicators", "bad.csv", "192.0.2.66:443"}, {"version"}} {
		out += must(t, dir, append(args, asJSON...)...).out
	}
	out += must(t, dir, "parse", "--feed", "c2-tracker", "day.csv").out
	out += lawShapes(t, dir)
	out += must(t, dir, append([]string{"party", "add", "--own", "--role", "telecom_operator", "--region", "CN-11", "North Access"}, asJSON...)...).out
	out += must(t, dir, append([]string{"incident", "open", "--as", "wang", "A botnet"}, asJSON...)...).out
	out += must(t, dir, append([]string{"incident", "list"}, asJSON...)...).out
	list := must(t, dir, append([]string{"duty", "list"}, asJSON...)...).out
	var d duty
	if err := json.Unmarshal([]byte(strings.SplitN(list, "\n", 2)[0]), &d); err != nil {
		t.Fatal(err)
	}
	out += list + must(t, dir, append([]string{"duty", "show", d.ID}, asJSON...)...).out
	must(t, dir, "incident", "open", "--as", "wang", "--received", "2026-02-16T22:30:00+08:00", "--fact", "controlled_addresses_unique_24h=1200000", "A botnet in February")
	out += must(t, dir, append([]string{"scorecard"}, asJSON...)...).out
	out += costShape(t)
	out += must(t, dir, append([]string{"outbox", "list"}, asJSON...)...).out
	out += must(t, dir, append([]string{"report", "draft", d.ID, "--as", "wang"}, asJSON...)...).out
	out += must(t, dir, append([]string{"report", "list"}, asJSON...)...).out
	out += orderShapes(t, dir)
	out += must(t, dir, append([]string{"key", "create", "--scope", "read", "reader"}, asJSON...)...).out
	out += must(t, dir, append([]string{"key", "list"}, asJSON...)...).out
	std := streams{in: strings.NewReader("five green herons wade\n"), out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	if code := run([]string{"user", "add", "--data", filepath.Join(dir, "data"), "--format", "json", "--role", "officer", "alice"}, std); code != 0 {
		t.Fatalf("user add: exit %d, %s", code, std.err)
	}
	out += std.out.(*bytes.Buffer).String()
	if err := os.RemoveAll(filepath.Join(dir, "data", "deliveries")); err != nil {
		t.Fatal(err)
	}
	bad := tocsin(t, dir, "audit", "--format", "json")
	if bad.code != exitFailed {
		t.Fatalf("audit without deliveries: exit %d\n%s", bad.code, bad.err)
	}
	return out + bad.out
}

// costShape makes the program print what a draft would have cost: that of the script
// on scorecards.
func costShape(t *testing.T) string {
	t.Helper()
	script, err := txtar.ParseFile("testdata/script/scorecard.txt")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	must(t, dir, "party", "add", "--own", "--role", "hosting", "--region", "CN-11", "South Hosting")
	if err := os.Mkdir(filepath.Join(dir, "data", "regimes"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "data", "regimes", script.Files[0].Name), string(script.Files[0].Data))
	must(t, dir, "incident", "open", "--as", "wang", "--received", "2026-02-16T22:30:00+08:00", "--fact", "controlled_addresses_unique_24h=6000", "A botnet")
	return must(t, dir, "scorecard", "--shadow", "cn-xx-2026", "--format", "json").out
}

// orderShapes makes the program print an order.
func orderShapes(t *testing.T, dir string) string {
	t.Helper()
	asJSON := []string{"--format", "json"}
	must(t, dir, "party", "add", "--own", "--role", "authority", "--region", "CN", "Example Bureau")
	var north party
	if err := json.Unmarshal([]byte(must(t, dir, "party", "add", "--role", "telecom_operator", "--region", "CN-11", "--format", "json", "north").out), &north); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "party", "contact", north.ID, "mailto:abuse@north.example", "--for", "orders")
	var i incident
	if err := json.Unmarshal([]byte(strings.SplitN(must(t, dir, "incident", "list", "--state", "open", "--format", "json").out, "\n", 2)[0]), &i); err != nil {
		t.Fatal(err)
	}
	var f struct{ ID string }
	if err := json.Unmarshal([]byte(strings.SplitN(must(t, dir, "findings", "--format", "json").out, "\n", 2)[0]), &f); err != nil {
		t.Fatal(err)
	}
	out := must(t, dir, append([]string{"order", "draft", i.ID, "--as", "wang", "--to", north.ID, "--measure", "clean", "--limit", "24h", "--finding", f.ID}, asJSON...)...).out
	return out + must(t, dir, append([]string{"order", "list"}, asJSON...)...).out
}
