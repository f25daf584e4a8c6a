package desk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"tocsin/casebook"
	"tocsin/intake"
	"tocsin/ledger"
	"tocsin/store"
)

// AuditTarget says what to audit.
type AuditTarget struct {
	Dir        string // data directory
	Database   string // postgres:// URL; "" is SQLite in Dir
	Verifier   string // public key of the ledger; "" is the one in Dir
	Checkpoint string // text of a checkpoint kept elsewhere, "" for none
}

// AuditResult is what an audit covered.
type AuditResult struct {
	store.Audit
	Deliveries int64 // whose bytes were read again
}

// Audit verifies a platform's ledger, state and raw deliveries against each other
// from the files alone; it takes no lock and writes nothing. Each fault goes to
// report. An error means that the audit couldn't be carried out.
func Audit(ctx context.Context, t AuditTarget, report func(store.Fault) error) (AuditResult, error) {
	dir := Directory(t.Dir)
	if t.Verifier == "" {
		key, err := os.ReadFile(dir.LedgerPub())
		if err != nil {
			return AuditResult{}, fmt.Errorf("the ledger's public key, without which nothing can be verified: name the data directory with --data, or the key with --verifier: %w", err)
		}
		t.Verifier = string(key)
	}
	place := t.Database
	if place == "" {
		place = dir.Database()
	}
	t.Verifier = strings.TrimSpace(t.Verifier)
	// Read before the database, which an owner changes first.
	beside, err := os.ReadFile(dir.Checkpoint())
	if err == nil {
		_, err = ledger.OpenCheckpoint(beside, t.Verifier)
	}
	if err != nil {
		beside = nil // gone, or torn by a power cut: the database has its own
	}
	db, err := store.OpenForAudit(place)
	if err != nil {
		return AuditResult{}, err
	}
	defer db.Close()
	var result AuditResult
	result.Audit, err = db.Run(ctx, store.AuditOptions{Verifier: t.Verifier, Checkpoint: t.Checkpoint, Beside: string(beside), Report: report})
	if err != nil {
		return result, err
	}
	return result, auditDeliveries(ctx, db, intake.ReadVault(intake.Folder(dir.Deliveries())), &result, report)
}

// auditDeliveries reads the bytes of every delivery again.
func auditDeliveries(ctx context.Context, db *store.AuditDB, vault *intake.Vault, result *AuditResult, report func(store.Fault) error) error {
	for d, err := range db.Reader(casebook.Operator()).EveryDelivery(ctx) {
		if err != nil {
			// A row that can't be read as a delivery was told as altered.
			if result.Faults > 0 {
				return nil
			}
			return fmt.Errorf("audit deliveries: %w", err)
		}
		result.Deliveries++
		err := vault.Verify(ctx, d.Digest)
		fault := store.Fault{Table: "delivery_bytes", Key: d.ID.Text(casebook.DeliveryPrefix)}
		switch {
		case err == nil:
			continue
		case errors.Is(err, casebook.ErrNotFound):
			fault.Fault, fault.Note = "missing", "the bytes of the delivery are gone"
		case errors.Is(err, casebook.ErrConflict):
			fault.Fault, fault.Note = "altered", "the bytes of the delivery aren't those that came"
		default:
			return fmt.Errorf("audit deliveries: %w", err)
		}
		result.Faults++
		if err := report(fault); err != nil {
			return err
		}
	}
	return nil
}
