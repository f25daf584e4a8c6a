package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"

	"tocsin/casebook"
)

var proofFileTable = covered(50, "proof_file", `report:i! version:i! name:t! digest:b! content:b! recorded_at:i! recorded_by:t!`)

// AddProofFile keeps a file that proves a filing of a report. It gives ErrTooLarge above
// casebook.MaxProof.
func (tx *Tx) AddProofFile(report casebook.ID, f casebook.ProofFile) error {
	if len(f.Content) > casebook.MaxProof {
		return fmt.Errorf("proof %.80q has %d octets, at most %d are kept: %w", f.Name, len(f.Content), casebook.MaxProof, casebook.ErrTooLarge)
	}
	r, err := tx.report(report)
	if err != nil {
		return err
	}
	id, err := tx.id("proof_file")
	if err != nil {
		return err
	}
	digest := sha256.Sum256(f.Content)
	return tx.insert(proofFileTable, []any{id, tx.salt(), r.id, int64(f.Version), clean(f.Name), digest[:], octets(f.Content), micros(tx.at), tx.actor})
}

// ProofFiles gives the files that prove the filings of a report, first to last, without
// what is in them.
func (r *Reader) ProofFiles(ctx context.Context, report casebook.ID) ([]casebook.ProofFile, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT f.version, f.name, f.digest, LENGTH(f.content), f.recorded_at, f.recorded_by
		FROM proof_file f JOIN report r ON r.id = f.report WHERE r.public = $1 AND `+r.seesOf(casebook.SharedReport, "r")+` ORDER BY f.id`, report[:])
	n := 0
	return collect(rows, err, func(rows *sql.Rows) (casebook.ProofFile, error) {
		n++
		f := casebook.ProofFile{Number: n}
		var digest []byte
		var at int64
		err := rows.Scan(&f.Version, &f.Name, &digest, &f.Bytes, &at, &f.RecordedBy)
		copy(f.Digest[:], digest)
		f.RecordedAt = moment(at)
		return f, err
	})
}

// ProofFile gives one of them with what is in it, by its number.
func (r *Reader) ProofFile(ctx context.Context, report casebook.ID, number int) (casebook.ProofFile, error) {
	all, err := r.ProofFiles(ctx, report)
	if err == nil && (number < 1 || number > len(all)) {
		err = fmt.Errorf("report %s has no proof %d: %w", report.Text(casebook.ReportPrefix), number, casebook.ErrNotFound)
	}
	if err != nil {
		return casebook.ProofFile{}, err
	}
	f := all[number-1]
	err = r.q.QueryRowContext(ctx, `SELECT f.content FROM proof_file f JOIN report r ON r.id = f.report WHERE r.public = $1 AND `+
		r.seesOf(casebook.SharedReport, "r")+` ORDER BY f.id LIMIT 1 OFFSET $2`, report[:], number-1).Scan(&f.Content)
	return f, err
}
