package indicator

import (
	"bufio"
	"bytes"
	"io"
	"path"
	"strings"
)

// text reads a list of lines: a table with a header, or plain.
func (r *reading) text(in *bufio.Reader, head []byte) error {
	if header, comma, format := findHeader(head); header != nil {
		r.file.Format = format
		return r.table(in, header, comma)
	}
	r.file.Format = "plain"
	return r.plain(in, head)
}

// findHeader looks for a header in the beginning of a list: the first line that is
// no comment, or the last comment before it.
func findHeader(head []byte) (columns []column, comma byte, format string) {
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		comment := len(line) > 0 && line[0] == '#'
		if fields, found := bytes.CutPrefix(line, []byte("#fields\t")); found {
			if columns, ok := columnsOf(split(nil, fields, '\t')); ok {
				return columns, '\t', "zeek"
			}
		}
		for _, comma := range []byte(",;\t") {
			if bytes.IndexByte(line, comma) < 0 {
				continue
			}
			if columns, ok := columnsOf(split(nil, bytes.TrimLeft(line, "# "), comma)); ok {
				return columns, comma, "table"
			}
		}
		if len(bytes.TrimSpace(line)) > 0 && !comment {
			return nil, 0, ""
		}
	}
	return nil, 0, ""
}

// table reads rows by their columns.
func (r *reading) table(in *bufio.Reader, columns []column, comma byte) error {
	l := lines{in: in}
	var fields []string
	for {
		line, long, err := l.next()
		if err != nil {
			return endOf(err)
		}
		if long {
			r.refuse(l.number, "", errLong)
			continue
		}
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		fields = split(fields[:0], line, comma)
		if again, ok := columnsOf(fields); ok && len(again) == len(columns) {
			continue // the header
		}
		r.row.reset(r.source)
		for i, field := range fields {
			if i < len(columns) {
				r.row.set(columns[i], field)
			}
		}
		if err := r.takeRow(l.number); err != nil {
			return err
		}
	}
}

// plain reads an indicator a line. What follows it, behind a blank, a comma or #, is
// left alone, but for a count of lists (IPsum) and the name of a hosts file.
func (r *reading) plain(in *bufio.Reader, head []byte) error {
	claim := r.claimOf(head)
	counted := bytes.Contains(head, []byte("number of (black)lists"))
	if counted {
		claim.Class = Malicious
	}
	warns := isWarning(r.file.Name)
	l := lines{in: in}
	for {
		line, long, err := l.next()
		if err != nil {
			return endOf(err)
		}
		if long {
			r.refuse(l.number, "", errLong)
			continue
		}
		text, rest := line, []byte(nil)
		if _, said := usual(line); !said {
			if text, rest, said = fieldOf(line); !said {
				continue
			}
		}
		v, err := r.parser.parse(text)
		if err == nil && isBlackhole(v) && len(rest) > 0 {
			text, _ = cutField(rest)
			v, err = r.parser.parse(text)
		}
		c := claim
		if counted {
			n, _ := number(rest, 1000)
			c.Confidence = uint8(min(10*n, 90))
		}
		switch {
		case err != nil:
		case warns:
			err = r.warn(WarningList{Name: r.source, Reach: reachOf(r.source)}, string(text), true)
		default:
			err = r.take(Indicator{v, c})
		}
		switch {
		case err == nil:
		case !isFault(err):
			return err
		default:
			r.refuse(l.number, string(text), err)
			if r.file.Taken == 0 && r.file.Refused >= maxHeld {
				return errNoList // prose
			}
		}
	}
}

func endOf(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// fieldOf takes the first field of a line; a comment says nothing.
func fieldOf(line []byte) (field, rest []byte, said bool) {
	if i := bytes.IndexByte(line, '#'); i >= 0 && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
		line = line[:i]
	}
	if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == ';' || line[0] == '!' || bytes.HasPrefix(line, []byte("//")) {
		return nil, nil, false
	}
	field, rest = cutField(line)
	return field, rest, true
}

// cutField takes what stands before a blank, comma, semicolon or bar.
func cutField(line []byte) (field, rest []byte) {
	i := 0
	for i < len(line) && !between(line[i]) {
		i++
	}
	if i == len(line) {
		return line, nil
	}
	if line[0] == '/' && (line[i] == ',' || line[i] == ';' || line[i] == '|') {
		return line, nil // part of a path
	}
	return line[:i], bytes.TrimLeft(line[i:], " \t,;|")
}

func between(c byte) bool { return c == ' ' || c == '\t' || c == ',' || c == ';' || c == '|' }

// isBlackhole tells the addresses to which a hosts file sends names.
func isBlackhole(v Value) bool {
	return v.Kind == Address && (v.Addr.IsUnspecified() || v.Addr.IsLoopback())
}

// claimOf finds what a plain list says of all its lines by its place: the folders of
// Maltrail's trails, one file a family.
func (r *reading) claimOf(head []byte) Claim {
	c := Claim{Source: r.source}
	folder, name := path.Base(path.Dir(r.file.Name)), r.source
	if !bytes.Contains(head, []byte("Maltrail")) && folder != "malware" && folder != "malicious" && folder != "suspicious" {
		return c
	}
	c.Source = "maltrail/" + name
	switch {
	case strings.HasPrefix(name, "mass_scanner"):
		c.Class = Scanner
		return c
	case strings.HasPrefix(name, "sinkhole_"):
		c.Class = Sinkhole
		return c
	case folder == "suspicious":
		c.Class = Suspicious
		return c
	case folder == "malicious":
		c.Class = Malicious
		if lure(name) {
			c.Class = Lure
		}
	default:
		c.Class = Malware
	}
	if i := strings.LastIndexByte(name, '-'); i > 0 && strings.Trim(name[i+1:], "0123456789") == "" {
		name = name[:i] // a family in several files
	}
	if !strings.HasSuffix(name, "generic") && !strings.HasPrefix(name, "generic") {
		c.Family = name
	}
	return c
}

// lure tells, among Maltrail's malicious trails, what people visit from what bots
// obey.
func lure(name string) bool {
	for _, begin := range []string{"ek_", "bad_", "install_"} {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	for _, end := range []string{"_tds", "core", "ginx", "tool", "_locker", "ware", "_inject", "_shadowing", "phish"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return name == "socgholish" || name == "keitaro_tds" || name == "pushbug" || name == "sms_flooder"
}
