package report

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed page/*.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "page/*.html"))

// sheet is a document before it is a letter or a page.
type sheet struct {
	Lang   Lang
	Title  string
	Marks  []string // above the title: exercise, TLP
	Head   []pair
	Intro  []string
	Parts  []pair
	Table  sheetTable
	Close  []string // paragraphs at the end
	Answer []pair   // words that may be answered
}

type pair struct {
	Label, Value string
	Notes        []string // small print under it
}

type sheetTable struct {
	Caption string
	Head    []string
	Rows    [][]string
	More    string // what isn't listed, "" for nothing
}

// Bounds of what a letter and a page list; the CSV has every row.
const (
	letterRows = 200
	pageRows   = 5000
)

// Tag gives the language as HTML has it.
func (s sheet) Tag() string { return s.Lang.Tag() }

// letter writes the sheet as plain text: lines end with LF, long values are
// indented under their label.
func (s sheet) letter() string {
	var b strings.Builder
	for _, m := range s.Marks {
		fmt.Fprintf(&b, "%s\n", m)
	}
	fmt.Fprintf(&b, "%s\n%s\n\n", s.Title, strings.Repeat("=", min(width(s.Title), 72)))
	writePairs(&b, s.Lang, s.Head)
	for _, p := range s.Intro {
		fmt.Fprintf(&b, "\n%s\n", p)
	}
	if len(s.Parts) > 0 {
		b.WriteString("\n")
		writePairs(&b, s.Lang, s.Parts)
	}
	if len(s.Table.Rows) > 0 {
		fmt.Fprintf(&b, "\n%s\n", s.Table.Caption)
		for _, row := range s.Table.Rows {
			var said []string
			for _, cell := range row {
				if cell != "" {
					said = append(said, cell)
				}
			}
			fmt.Fprintf(&b, "  %s\n", oneLine(strings.Join(said, " | ")))
		}
		if s.Table.More != "" {
			fmt.Fprintf(&b, "  %s\n", s.Table.More)
		}
	}
	if len(s.Answer) > 0 {
		b.WriteString("\n")
		writePairs(&b, s.Lang, s.Answer)
	}
	for _, p := range s.Close {
		fmt.Fprintf(&b, "\n%s\n", p)
	}
	return b.String()
}

func writePairs(b *strings.Builder, lang Lang, pairs []pair) {
	colon := ": "
	if lang == Chinese {
		colon = "："
	}
	for _, p := range pairs {
		lines := strings.Split(clean(p.Value), "\n")
		if len(lines) == 1 {
			fmt.Fprintf(b, "%s%s%s\n", oneLine(p.Label), colon, lines[0])
		} else {
			fmt.Fprintf(b, "%s%s\n", oneLine(p.Label), strings.TrimRight(colon, " "))
			for _, l := range lines {
				fmt.Fprintf(b, "    %s\n", l)
			}
		}
		for _, n := range p.Notes {
			fmt.Fprintf(b, "    (%s)\n", oneLine(n))
		}
	}
}

// page writes the sheet as one HTML page that needs nothing else: no script, no
// picture, nothing fetched. It prints on A4.
func (s sheet) page(w io.Writer) error {
	if err := pages.ExecuteTemplate(w, "sheet.html", s); err != nil {
		return fmt.Errorf("write page %q: %w", s.Title, err)
	}
	return nil
}

// width is how many columns a text takes where an ideograph takes two.
func width(s string) int {
	n := 0
	for _, r := range s {
		if n++; r >= 0x2e80 {
			n++
		}
	}
	return n
}

// clean drops what would move a reader's cursor or turn the direction of writing,
// but for line breaks and tabs.
func clean(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20 || r >= 0x7f && r < 0xa0,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x2028, r == 0x2029:
			return -1
		}
		return r
	}, strings.TrimRight(s, "\n"))
}

func oneLine(s string) string { return strings.ReplaceAll(clean(s), "\n", " ") }
