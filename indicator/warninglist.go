package indicator

import (
	"path"
	"strings"

	"github.com/valyala/fastjson"
)

// warningList reads a list as misp-warninglists publishes them. Their types say how
// an entry is compared: cidr, hostname (the name and all below), string (that text
// alone), substring and regex. A substring is taken as hostname: as a part of any
// text it would excuse others' names (ip.com in ship.com). A regex is refused.
func (r *reading) warningList(doc *fastjson.Value) error {
	name := r.source
	if name == "list" {
		name = path.Base(path.Dir(r.file.Name)) // as in their repository: lists/NAME/list.json
	}
	list := WarningList{Name: name, Reach: reachOf(name)}
	if list.Reach == Silent {
		return nil // it says nothing about traffic
	}
	kind := string(doc.GetStringBytes("type"))
	for i, e := range doc.GetArray("list") {
		text := string(e.GetStringBytes())
		var err error
		switch {
		case kind == "regex":
			err = errPattern
		default:
			err = r.warn(list, text, kind == "hostname" || kind == "substring")
		}
		if err != nil && !isFault(err) {
			return err
		}
		if err != nil {
			r.refuse(int64(i+1), text, err)
		}
	}
	return nil
}

// warn takes one entry of a warning list.
func (r *reading) warn(list WarningList, text string, below bool) error {
	v, err := r.parser.parse([]byte(text))
	if err != nil {
		return err
	}
	if v.Kind == URL || v.Kind == Path {
		return fault("a warning about one page says nothing of its site")
	}
	// A point in front means all names below, whatever the list's type.
	if err := r.warnings.add(list, v, below || strings.HasPrefix(text, ".")); err != nil {
		return err
	}
	r.taken()
	return nil
}

// isWarning tells a plain list of a site's own exceptions by its place: a folder
// warnings, or a name such as whitelist, allowlist, cdn_ranges, bogon_ranges.
func isWarning(name string) bool {
	base := strings.ToLower(path.Base(name))
	for _, begin := range []string{"whitelist", "allowlist", "cdn_ranges", "bogon"} {
		if strings.HasPrefix(base, begin) {
			return true
		}
	}
	for dir := path.Dir(name); dir != "." && dir != "/" && dir != ""; dir = path.Dir(dir) {
		if base := path.Base(dir); base == "warnings" || base == "warninglists" {
			return true
		}
		if path.Dir(dir) == dir {
			break
		}
	}
	return false
}
