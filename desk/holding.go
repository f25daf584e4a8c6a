package desk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tocsin/attribute"
	"tocsin/casebook"
	"tocsin/store"
)

// holdings is a table of holdings in use, with the import that brought it about.
type holdings struct {
	table  *attribute.Table
	number int64 // of the newest holding_import, 0 none
}

// A Table is a file of holdings at the door.
type Table struct {
	Source string    // on whose word; a later table of the source replaces its earlier one
	Name   string    // of the file
	AsOf   time.Time // from when its differences to the earlier one hold; zero is now
	Body   io.Reader
}

// ImportHoldings takes a table of holdings: what is new in it begins, what it
// doesn't have any more ends, each at the table's moment. The first table of a
// source holds since ever. Bad rows go to refuse, are counted, and don't stop
// the rest. An import that was cut short goes on when the same file comes again.
// Deliveries being folded go on with the old table until their next batch.
func (d *Desk) ImportHoldings(ctx context.Context, who casebook.Actor, t Table, refuse func(casebook.Refusal) error) (store.HoldingImport, error) {
	at := d.Now()
	if t.AsOf.IsZero() {
		t.AsOf = at
	}
	if t.Source == "" {
		return store.HoldingImport{}, fmt.Errorf("a table of holdings needs the name of its source: %w", casebook.ErrInvalid)
	}
	newest, _, err := d.Reader(casebook.Operator()).NewestOf(ctx, t.Source)
	if err != nil {
		return store.HoldingImport{}, err
	}
	if t.AsOf.Before(newest) {
		return store.HoldingImport{}, fmt.Errorf("the table of %s as of %s is older than the one in force, of %s: name the moment from which this one holds, which must be later: %w",
			t.Source, t.AsOf.Format(time.RFC3339), newest.Format(time.RFC3339), casebook.ErrInvalid)
	}
	// The file is read twice, for its digest and for its rows, so it is kept
	// aside meanwhile.
	file, digest, err := d.spool(t.Body)
	if err != nil {
		return store.HoldingImport{}, fmt.Errorf("table of holdings %s: %w", t.Name, err)
	}
	defer func() { file.Close(); os.Remove(file.Name()) }()
	// A second import of the source would take the first for one that was cut short.
	d.tables.Lock()
	defer d.tables.Unlock()
	i, err := d.beginImport(ctx, who, store.HoldingImport{Tenant: 1, RecordedBy: who.String(), Source: t.Source, Name: t.Name, Digest: digest, AsOf: t.AsOf})
	if err != nil {
		return i, err
	}
	im := importing{desk: d, who: who, HoldingImport: i}
	if err := im.run(ctx, file, refuse); err != nil {
		return im.HoldingImport, fmt.Errorf("import holdings of %s: %w", t.Source, err)
	}
	return im.HoldingImport, nil
}

// importAside names the file of a table while it is imported.
const importAside = "import-*"

func (d *Desk) spool(r io.Reader) (_ *os.File, digest casebook.Digest, err error) {
	if err := os.MkdirAll(d.dir.Cache(), 0o700); err != nil {
		return nil, digest, err
	}
	f, err := os.CreateTemp(d.dir.Cache(), importAside)
	if err != nil {
		return nil, digest, err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), r)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, digest, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	copy(digest[:], sum.Sum(nil))
	return f, digest, nil
}

// beginImport opens an import, giving up another one of the source that was cut
// short.
func (d *Desk) beginImport(ctx context.Context, who casebook.Actor, want store.HoldingImport) (i store.HoldingImport, err error) {
	for {
		_, err = d.db.Write(ctx, store.Work{Kind: "import holdings", Actor: who.String(), At: d.Now()}, func(tx *store.Tx) (err error) {
			i, err = tx.BeginImport(want)
			return err
		})
		if !errors.Is(err, casebook.ErrConflict) {
			return i, err
		}
		if err := d.giveUp(ctx, who, i); err != nil {
			return i, fmt.Errorf("give up the import that was cut short: %w", err)
		}
	}
}

func (d *Desk) giveUp(ctx context.Context, who casebook.Actor, i store.HoldingImport) error {
	for left := 1; left > 0; {
		_, err := d.db.Write(ctx, store.Work{Kind: "give up import", Actor: who.String(), At: d.Now(), Bulk: true}, func(tx *store.Tx) (err error) {
			if left, err = tx.TakeBack(i, BatchRows); err != nil || left > 0 {
				return err
			}
			i.State = store.ImportGivenUp
			return tx.SaveImport(i)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// An importing compares a table with what its source holds, and writes the
// difference.
type importing struct {
	store.HoldingImport
	desk  *Desk
	who   casebook.Actor
	first bool
	open  map[contentKey]int64 // what the source holds now, by content
	batch []casebook.Holding
}

type contentKey [16]byte

func (im *importing) run(ctx context.Context, file io.Reader, refuse func(casebook.Refusal) error) error {
	r := im.desk.Reader(casebook.Operator())
	_, any, err := r.NewestOf(ctx, im.Source)
	if err != nil {
		return err
	}
	im.first = !any
	im.open = map[contentKey]int64{}
	for h, err := range r.OpenHoldings(ctx, im.Source) {
		if err != nil {
			return err
		}
		im.open[content(h.Holding)] = h.Number
	}
	im.Refused = 0
	im.Rows, err = attribute.Read(im.Name, file, func(h casebook.Holding) error { return im.take(ctx, h) }, func(bad casebook.Refusal) error {
		im.Refused++
		return refuse(bad)
	})
	if err == nil {
		err = im.flush(ctx)
	}
	if err != nil {
		return err
	}
	if err := im.end(ctx); err != nil {
		return err
	}
	return im.finish(ctx)
}

// content names what a holding says; two rows that say the same are one. From
// when it holds isn't part of it, because the first import to have it said so.
func content(h casebook.Holding) contentKey {
	b := make([]byte, 0, 128)
	low, high := h.Low.As16(), h.High.As16()
	b = append(append(b, low[:]...), high[:]...)
	for _, s := range []string{h.Suffix, h.Holder, h.Party, h.Region} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	b = binary.BigEndian.AppendUint32(b, h.ASN)
	b = binary.BigEndian.AppendUint64(b, uint64(h.To.Unix()))
	sum := sha256.Sum256(b)
	return contentKey(sum[:16])
}

func (im *importing) take(ctx context.Context, h casebook.Holding) error {
	k := content(h)
	if number, ok := im.open[k]; ok {
		if number > 0 {
			im.open[k] = -number // still held
		}
		return nil
	}
	im.open[k] = -1 << 62 // held from now on; a second row that says so adds nothing
	im.batch = append(im.batch, h)
	if len(im.batch) < BatchRows {
		return nil
	}
	return im.flush(ctx)
}

func (im *importing) write(ctx context.Context, f func(*store.Tx) error) error {
	_, err := im.desk.db.Write(ctx, store.Work{Kind: "import holdings", Actor: im.who.String(), At: im.desk.Now(), Bulk: true}, f)
	return err
}

func (im *importing) flush(ctx context.Context) error {
	if len(im.batch) == 0 {
		return nil
	}
	err := im.write(ctx, func(tx *store.Tx) error { return tx.BeginHoldings(im.HoldingImport, im.first, im.batch) })
	im.batch = im.batch[:0]
	return err
}

// end ends what the source held and the table doesn't have.
func (im *importing) end(ctx context.Context) error {
	var gone []int64
	for _, number := range im.open {
		if number > 0 {
			gone = append(gone, number)
		}
	}
	slices.Sort(gone)
	for len(gone) > 0 {
		n := min(len(gone), BatchRows)
		if err := im.write(ctx, func(tx *store.Tx) error { return tx.EndHoldings(im.HoldingImport, gone[:n]) }); err != nil {
			return err
		}
		gone = gone[n:]
	}
	im.open = nil
	return nil
}

// finish compiles the table, puts the import in force, and the table in use.
func (im *importing) finish(ctx context.Context) error {
	table, err := im.desk.compile(ctx, im.Number)
	if err != nil {
		return err
	}
	if im.Compiled, err = im.desk.keepTable(table); err != nil {
		return err
	}
	im.State = store.ImportInForce
	err = im.write(ctx, func(tx *store.Tx) error {
		if err := tx.CountImport(&im.HoldingImport); err != nil {
			return err
		}
		return tx.SaveImport(im.HoldingImport)
	})
	if err != nil {
		return err
	}
	im.desk.holdings.Store(&holdings{table, im.Number})
	return nil
}

// compile builds the table of all holdings in force, and of one import more.
func (d *Desk) compile(ctx context.Context, with int64) (*attribute.Table, error) {
	var b attribute.Builder
	for h, err := range d.Reader(casebook.Operator()).Holdings(ctx, with) {
		if err != nil {
			return nil, fmt.Errorf("compile holdings: %w", err)
		}
		if err := b.Add(h.Holding); err != nil {
			return nil, fmt.Errorf("compile holding %d: %w", h.Number, err)
		}
	}
	return b.Build()
}

// keepTable writes a compiled table into the cache, under its digest.
func (d *Desk) keepTable(t *attribute.Table) (digest casebook.Digest, err error) {
	var b bytes.Buffer
	if _, err := t.WriteTo(&b); err != nil {
		return digest, err
	}
	digest = sha256.Sum256(b.Bytes())
	if err := os.MkdirAll(d.dir.Cache(), 0o700); err != nil {
		return digest, err
	}
	name := d.tableFile(digest)
	if err := writeFile(name, b.Bytes(), 0o600); err != nil {
		return digest, err
	}
	// Older ones serve nobody any more.
	old, err := filepath.Glob(filepath.Join(d.dir.Cache(), "holdings-*"))
	for _, o := range old {
		if o != name {
			err = errors.Join(err, os.Remove(o))
		}
	}
	return digest, err
}

func (d *Desk) tableFile(digest casebook.Digest) string {
	return filepath.Join(d.dir.Cache(), "holdings-"+hex.EncodeToString(digest[:8]))
}

// loadHoldings puts the newest table in use: from the cache if it is there and
// whole, from the database otherwise.
func (d *Desk) loadHoldings(ctx context.Context) error {
	newest, ok, err := d.Reader(casebook.Operator()).NewestImport(ctx)
	if err != nil {
		return fmt.Errorf("load holdings: %w", err)
	}
	if !ok {
		none, err := new(attribute.Builder).Build()
		d.holdings.Store(&holdings{none, 0})
		return err
	}
	if file, err := os.ReadFile(d.tableFile(newest.Compiled)); err == nil && sha256.Sum256(file) == newest.Compiled {
		if table, err := attribute.Load(file); err == nil {
			d.holdings.Store(&holdings{table, newest.Number})
			return nil
		}
	}
	table, err := d.compile(ctx, 0)
	if err != nil {
		return err
	}
	digest, err := d.keepTable(table)
	if err != nil {
		return err
	}
	d.holdings.Store(&holdings{table, newest.Number})
	if digest == newest.Compiled {
		return nil
	}
	// Another version of the program compiles differently: the record says so,
	// so that the cache can be trusted from now on.
	newest.Compiled = digest
	_, err = d.db.Write(ctx, store.Work{Kind: "compile holdings", Actor: compiler.String(), At: d.Now()}, func(tx *store.Tx) error {
		return tx.SaveImport(newest)
	})
	return err
}

// compiler is the rule in whose name a table is compiled again.
var compiler = casebook.Actor{Kind: casebook.Rule, Name: "compile"}

// SourceName makes the name of a table's source from the name of its file: without
// folders and endings such as .csv.gz.
func SourceName(file string) string {
	name := filepath.Base(file)
	for _, end := range []string{".gz", ".csv", ".tsv", ".txt"} {
		name = strings.TrimSuffix(name, end)
	}
	return name
}

// HeldBy tells who held an asset at a moment, by the tables of holdings in use; the
// zero Attribution where none knows.
func (d *Desk) HeldBy(a casebook.Asset, at time.Time) casebook.Attribution {
	return d.holdings.Load().table.At(a, at)
}
