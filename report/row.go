package report

import (
	"time"

	"tocsin/casebook"
)

// Row is one asset of a filing or an order: which, in what role, on which port, and
// exactly when it was seen.
type Row struct {
	Number    int // from 1
	Finding   casebook.ID
	Asset     casebook.Asset
	Port      uint16 // 0 where none is known
	Transport casebook.Transport
	Role      casebook.Role
	Name      string    // family, or what a source calls it
	First     time.Time // seen, exact
	Last      time.Time
	Count     int64 // observations
	ASN       uint32
	Holder    string
	Region    string
	// Confidence is the best source's, 0 to 1; below 0 where none is known.
	Confidence float64
	// Evidence points to what shows it, "obs_…", "delivery dlv_… row 17".
	Evidence string
}

// RowOf makes a row of a finding.
func RowOf(number int, f casebook.Finding) Row {
	name := f.Family
	if name == "" {
		name = f.Name
	}
	return Row{
		Number: number, Finding: f.ID, Asset: f.Asset, Port: f.Port, Role: f.Role, Name: name,
		First: f.FirstSeen, Last: f.LastSeen, Count: f.Count, ASN: f.ASN, Holder: f.Holder,
		Region: f.Mark.Region, Confidence: -1,
	}
}

// endpoint writes asset and port as people do: 192.0.2.7:8443, [2001:db8::1]:443,
// c2.example:8443.
func (r Row) endpoint() string { return endpoint(r.Asset, r.Port) }
