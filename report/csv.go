package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"tocsin/casebook"
)

// rowColumns are the columns of rows as CSV, in their order.
var rowColumns = []string{
	"number", "finding", "asset_kind", "asset", "port", "transport", "role", "name",
	"first_seen", "last_seen", "count", "asn", "holder", "region", "confidence", "evidence",
}

// WriteRows writes rows as CSV (RFC 4180) in UTF-8 with a byte order mark, so that
// spreadsheets read it right. Moments are RFC 3339 in UTC, as exact as they are
// known. A cell that a spreadsheet would take for a formula has an apostrophe in
// front, and so has one that begins with an apostrophe; line breaks within cells
// become blanks.
func WriteRows(w io.Writer, rows []Row) error {
	return writeTable(w, rowColumns, len(rows), func(i int) []string {
		r := rows[i]
		return []string{
			strconv.Itoa(r.Number), idText(r.Finding, casebook.FindingPrefix), r.Asset.Kind.String(), r.Asset.String(),
			port(r.Port), r.Transport.String(), r.Role.String(), r.Name, instant(r.First), instant(r.Last),
			strconv.FormatInt(r.Count, 10), number(int64(r.ASN)), r.Holder, r.Region, confidence(r.Confidence), r.Evidence,
		}
	})
}

func writeTable(w io.Writer, head []string, rows int, row func(i int) []string) error {
	if _, err := io.WriteString(w, "\uFEFF"); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	out.Write(head)
	for i := range rows {
		cells := row(i)
		for j := range cells {
			cells[j] = SafeCell(cells[j])
		}
		out.Write(cells)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

var flatten = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\x00", " ")

// SafeCell makes a cell that no spreadsheet takes for a formula.
func SafeCell(s string) string {
	s = flatten.Replace(strings.ToValidUTF8(s, "\uFFFD"))
	if s == "" {
		return s
	}
	inner := strings.TrimLeft(s, " \t\u00a0\u3000")
	if s[0] == '\t' || s[0] == '\'' || strings.HasPrefix(s, "\uFEFF") || inner != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(inner)[0]) {
		return "'" + s
	}
	return s
}

// plainCell is the inverse of SafeCell.
func plainCell(s string) string { return strings.TrimPrefix(s, "'") }

func idText(id casebook.ID, prefix string) string {
	if id.IsZero() {
		return ""
	}
	return id.Text(prefix)
}

func port(p uint16) string { return number(int64(p)) }

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func confidence(c float64) string {
	if c < 0 {
		return ""
	}
	return strconv.FormatFloat(c, 'g', -1, 64)
}

// ReadRows reads what WriteRows wrote, at most MaxRows rows. It gives ErrInvalid,
// with the line and the column, for anything else.
func ReadRows(r io.Reader) ([]Row, error) {
	text, err := readText(r)
	if err != nil {
		return nil, fmt.Errorf("rows: %w", err)
	}
	in := csv.NewReader(bytes.NewReader(text))
	head, err := in.Read()
	if err != nil || strings.Join(head, ",") != strings.Join(rowColumns, ",") {
		return nil, fmt.Errorf("rows: line 1 isn't the columns %s: %w", strings.Join(rowColumns, ","), casebook.ErrInvalid)
	}
	var rows []Row
	for {
		cells, err := in.Read()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("rows: %w: %w", err, casebook.ErrInvalid)
		}
		line, _ := in.FieldPos(0)
		row, field, err := rowOf(cells)
		if err != nil {
			return nil, fmt.Errorf("rows: line %d, column %s: %w", line, field, err)
		}
		if rows = append(rows, row); len(rows) > MaxRows {
			return nil, fmt.Errorf("rows: over %d: %w", MaxRows, casebook.ErrTooLarge)
		}
	}
}

// rowOf reads the cells of one row; field names the column at fault.
func rowOf(cells []string) (row Row, field string, err error) {
	for i, name := range rowColumns {
		if err := row.set(name, plainCell(cells[i]), plainCell(cells[2])); err != nil {
			return Row{}, name, err
		}
	}
	return row, "", nil
}

func (r *Row) set(column, s, assetKind string) (err error) {
	switch column {
	case "number":
		r.Number, err = strconv.Atoi(s)
	case "finding":
		if s != "" {
			r.Finding, err = casebook.ParseID(casebook.FindingPrefix, s)
		}
	case "asset":
		r.Asset, err = assetOf(assetKind, s)
	case "port":
		var n uint64
		n, err = uintOf(s, 16)
		r.Port = uint16(n)
	case "transport":
		r.Transport, err = casebook.ParseTransport(s)
	case "role":
		r.Role, err = casebook.ParseRole(s)
	case "name":
		r.Name = s
	case "first_seen":
		r.First, err = readInstant(s)
	case "last_seen":
		r.Last, err = readInstant(s)
	case "count":
		r.Count, err = strconv.ParseInt(s, 10, 64)
	case "asn":
		var n uint64
		n, err = uintOf(s, 32)
		r.ASN = uint32(n)
	case "holder":
		r.Holder = s
	case "region":
		r.Region = s
	case "confidence":
		if r.Confidence = -1; s != "" {
			r.Confidence, err = strconv.ParseFloat(s, 64)
		}
	case "evidence":
		r.Evidence = s
	}
	if err != nil {
		return fmt.Errorf("%.80q: %w: %w", s, err, casebook.ErrInvalid)
	}
	return nil
}

func uintOf(s string, bits int) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	return strconv.ParseUint(s, 10, bits)
}

// assetOf reads an asset as people write it, of a kind as String names it.
func assetOf(kind, s string) (casebook.Asset, error) {
	switch kind {
	case "":
		if s != "" {
			return casebook.Asset{}, fmt.Errorf("an asset without a kind: %w", casebook.ErrInvalid)
		}
		return casebook.Asset{}, nil
	case casebook.IPv4Addr.String(), casebook.IPv6Addr.String():
		a, err := netip.ParseAddr(s)
		if err != nil {
			return casebook.Asset{}, err
		}
		return casebook.AddrAsset(a), nil
	case casebook.IPv4Prefix.String(), casebook.IPv6Prefix.String():
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return casebook.Asset{}, err
		}
		return casebook.PrefixAsset(p), nil
	}
	for k := casebook.DomainName; k <= casebook.UserAccount; k++ {
		if k.String() == kind {
			return casebook.CanonicalAsset(k, []byte(s))
		}
	}
	return casebook.Asset{}, fmt.Errorf("%q is no kind of asset: %w", kind, casebook.ErrInvalid)
}

// endpoint writes asset and port as people do: 192.0.2.7:8443, [2001:db8::1]:443.
func endpoint(a casebook.Asset, p uint16) string {
	switch {
	case p == 0:
		return a.String()
	case a.Kind == casebook.IPv4Addr || a.Kind == casebook.IPv6Addr:
		return netip.AddrPortFrom(a.Addr, p).String()
	case a.Kind == casebook.DomainName:
		return a.Name + ":" + strconv.Itoa(int(p))
	}
	return a.String()
}
