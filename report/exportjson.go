package report

import (
	"encoding/hex"
	"encoding/json"
	"time"

	"tocsin/casebook"
	"tocsin/ledger"
)

// object is one JSON object, its keys in order of their names.
type object map[string]any

func micros(at int64) time.Time { return time.UnixMicro(at).UTC() }

// json writes the case for programs.
func (c Case) json(a *archive) ([]byte, error) {
	return marshal(object{
		"kind": "case", "format": 1, "exported_at": instant(c.At), "exported_by": c.By, "platform": c.Platform,
		"incident":  incidentJSON(c.Incident),
		"parties":   list(c.Parties, partyJSON),
		"threat":    threatJSON(c.Threat),
		"timeline":  list(c.Timeline, anchorJSON),
		"grades":    list(c.Grades, gradeJSON),
		"facts":     list(c.Facts, factJSON),
		"duties":    list(c.Duties, dutyJSON),
		"findings":  list(c.Findings, findingJSON),
		"reports":   list(c.Reports, func(f Filing) any { return filingJSON(f, a) }),
		"orders":    list(c.Orders, func(o Instruction) any { return orderJSON(o, a) }),
		"originals": originalsJSON(c.Originals, a),
		"proofs":    proofsJSON(c.Proofs, a),
		"packs":     packsJSON(c.Packs, a),
		"record":    recordJSON(c.Record),
		"faults":    orEmpty(a.faults),
	})
}

func list[T any](all []T, one func(T) any) []any {
	out := make([]any, 0, len(all))
	for _, v := range all {
		out = append(out, one(v))
	}
	return out
}

func markJSON(o object, m casebook.Mark) object {
	o["region"], o["tlp"], o["exercise"], o["recorded_by"] = m.Region, m.TLP.String(), m.Exercise, m.RecordedBy
	return o
}

func incidentJSON(i casebook.Incident) any {
	return markJSON(object{
		"id": i.ID.Text(casebook.IncidentPrefix), "category": i.Category.String(), "title": i.Title, "state": i.State.String(),
		"threat": idText(i.Threat, casebook.ThreatPrefix), "threat_name": i.ThreatName, "party": idText(i.Party, casebook.PartyPrefix),
		"owner": i.Owner, "opened_at": instant(i.OpenedAt), "recorded_at": instant(i.RecordedAt),
	}, i.Mark)
}

func partyJSON(p casebook.Party) any {
	return markJSON(object{
		"id": p.ID.Text(casebook.PartyPrefix), "name": p.Name, "roles": orEmpty(p.Roles), "seat": p.Region,
		"member_state": p.MemberState, "own": p.Own,
	}, p.Mark)
}

func threatJSON(t casebook.Threat) any {
	if t.ID.IsZero() {
		return nil
	}
	return markJSON(object{
		"id": t.ID.Text(casebook.ThreatPrefix), "type": t.Type, "family": t.Family, "name": t.Name,
		"first_seen": instant(t.FirstSeen), "last_seen": instant(t.LastSeen), "count": t.Count, "findings": t.Findings,
		"sizes": list(t.Sizes, func(s casebook.Size) any {
			s = s.Bounded()
			return object{"role": s.Role.String(), "unique_24h": s.Unique24h, "concurrent_1h": s.Concurrent1h, "unique_total": s.UniqueTotal}
		}),
	}, t.Mark)
}

func anchorJSON(a casebook.Anchor) any {
	o := object{
		"id": a.ID.Text(casebook.AnchorPrefix), "kind": a.Kind, "at": instant(a.At), "zone": a.Zone, "recorded_at": instant(a.RecordedAt),
		"by": a.By, "source": a.Source, "note": a.Note, "supersedes": idText(a.Supersedes, casebook.AnchorPrefix), "clock": nil,
	}
	if a.Clock.Known {
		o["clock"] = object{"offset_us": a.Clock.Offset.Microseconds(), "bound_us": a.Clock.Bound.Microseconds(), "source": a.Clock.Source}
	}
	return o
}

func gradeJSON(g casebook.Grade) any {
	return object{
		"id": g.ID.Text(casebook.GradePrefix), "regime": g.Regime, "pack": g.Pack, "standing": g.Standing.String(), "level": g.Level,
		"reach": g.Reach.String(), "rule": g.Rule, "article": g.Article, "confidence": g.Confidence, "figures": g.Figures,
		"blank": g.Blank, "at": instant(g.At), "by": g.By, "reason": g.Reason, "recorded_at": instant(g.RecordedAt),
	}
}

func factJSON(f Fact) any {
	return object{"name": f.Name, "value": f.Value, "at": instant(f.At), "by": f.By, "recorded_at": instant(f.RecordedAt)}
}

func dutyJSON(d casebook.Duty) any {
	return markJSON(object{
		"id": d.ID.Text(casebook.DutyPrefix), "party": idText(d.Party, casebook.PartyPrefix), "party_name": d.PartyName, "regime": d.Regime,
		"pack": d.Pack, "stage": d.Stage, "key": d.Key, "article": d.Article, "anchor": d.Anchor, "started": instant(d.Started),
		"limit": d.Limit, "due": instant(d.Due), "zone": d.Zone, "calendar": d.Calendar, "state": d.State.String(),
		"provisional": d.Provisional, "blank": d.Blank, "to": orEmpty(d.To), "any_of": d.AnyOf, "copy_to": orEmpty(d.CopyTo),
		"meets": d.Meets, "confidence": d.Confidence, "rests_on": d.RestsOn, "met_at": instant(d.MetAt),
		"supersedes": idText(d.Supersedes, casebook.DutyPrefix), "reason": d.Reason, "recorded_at": instant(d.RecordedAt),
	}, d.Mark)
}

func findingJSON(f casebook.Finding) any {
	return markJSON(object{
		"id": f.ID.Text(casebook.FindingPrefix), "threat": idText(f.Threat, casebook.ThreatPrefix), "family": f.Family, "name": f.Name,
		"role": f.Role.String(), "asset_kind": f.Asset.Kind.String(), "asset": f.Asset.String(), "port": f.Port, "state": f.State.String(),
		"first_seen": instant(f.FirstSeen), "last_seen": instant(f.LastSeen), "count": f.Count, "relapses": f.Relapses,
		"asn": f.ASN, "holder": f.Holder, "party": f.Party,
	}, f.Mark)
}

func filingJSON(f Filing, a *archive) any {
	r := f.Report
	id := r.ID.Text(casebook.ReportPrefix)
	return markJSON(object{
		"id": id, "duty": idText(r.Duty, casebook.DutyPrefix), "party": idText(r.Party, casebook.PartyPrefix), "regime": r.Regime,
		"stage": r.Stage, "state": r.State.String(), "version": r.Version, "task": r.Task, "opened_at": instant(r.OpenedAt),
		"versions": list(f.Versions, func(v casebook.ReportVersion) any {
			return object{
				"number": v.Number, "fields": orEmpty(v.Fields), "digest": v.Digest.String(), "filed_at": instant(v.FiledAt), "channel": v.Channel,
				"late_reason": v.LateReason, "corrects": v.Corrects, "by": v.By, "recorded_at": instant(v.RecordedAt), "page": a.forms[formKey(id, v.Number)],
			}
		}),
		"recipients": list(f.Recipients, func(r casebook.Recipient) any {
			return object{
				"id": r.ID.Text(casebook.RecipientPrefix), "version": r.Version, "role": r.Role, "name": r.Name, "copy": r.Copy,
				"dispatched_at": instant(r.DispatchedAt), "delivered_at": instant(r.DeliveredAt), "acknowledged_at": instant(r.AcknowledgedAt),
				"reference": r.Reference, "proof": r.Proof,
			}
		}),
	}, r.Mark)
}

func orderJSON(in Instruction, a *archive) any {
	o := in.Order
	id := o.ID.Text(casebook.OrderPrefix)
	return markJSON(object{
		"id": id, "party": idText(o.Party, casebook.PartyPrefix), "party_name": o.PartyName, "by": idText(o.By, casebook.PartyPrefix), "issuer": in.Issuer,
		"state": o.State.String(), "measure": o.Measure, "power": o.Power, "power_says": in.Power, "confidence": in.Confidence, "article": o.Article,
		"pack": o.Pack, "form": o.Form, "task": o.Task, "limit_s": int64(o.Limit / time.Second), "text": o.Text, "drafted_by": o.DraftedBy,
		"approved_by": o.ApprovedBy, "served_at": instant(o.ServedAt), "due": instant(o.Due), "reason": o.Reason, "appeal": in.Appeal,
		"recorded_at": instant(o.RecordedAt), "page": a.orders[id],
		"rows": list(in.Rows, func(r OrderRow) any {
			return object{
				"number": r.Number, "finding": idText(r.Finding, casebook.FindingPrefix), "asset_kind": r.Asset.Kind.String(), "asset": r.Asset.String(),
				"port": r.Port, "role": r.Role.String(), "what": r.What, "first_seen": instant(r.FirstSeen), "last_seen": instant(r.LastSeen),
				"state": r.State.String(), "answer": r.Answer.String(), "note": r.Note, "answered_at": instant(r.AnsweredAt),
				"until": instant(r.Until), "checked_at": instant(r.CheckedAt), "why": r.Why,
			}
		}),
	}, o.Mark)
}

func originalsJSON(all []Original, a *archive) []any {
	out := make([]any, 0, len(all))
	for i, o := range all {
		d := o.Delivery
		out = append(out, markJSON(object{
			"id": d.ID.Text(casebook.DeliveryPrefix), "file": a.originals[i].name, "sha256": d.Digest.String(), "bytes": d.Bytes, "feed": d.Feed, "type": d.Type,
			"name": d.Name, "door": d.Door, "received_at": instant(d.ReceivedAt), "rows": d.Rows, "taken": d.Taken, "duplicate": d.Duplicate, "refused": d.Refused,
			"fault": a.originals[i].fault,
		}, d.Mark))
	}
	return out
}

func proofsJSON(all []Attachment, a *archive) []any {
	out := make([]any, 0, len(all))
	for i, p := range all {
		out = append(out, object{"name": p.Name, "of": p.Of, "says": p.Says, "sha256": p.Digest.String(), "file": a.proofs[i].name, "fault": a.proofs[i].fault})
	}
	return out
}

func packsJSON(all []PackFile, a *archive) []any {
	out := make([]any, 0, len(all))
	for i, p := range all {
		out = append(out, object{"regime": p.Regime, "digest": p.Digest, "file": a.packNames[i]})
	}
	return out
}

func recordJSON(r Record) any {
	return object{
		"verifier": r.Verifier, "checkpoint": string(r.Checkpoint), "timestamp": len(r.Timestamp) > 0,
		"changes": list(r.Changes, func(c Change) any {
			e, _ := ledger.ParseEntry(c.Entry) // told as a fault where it can't be read
			return object{
				"leaf": c.Leaf, "act": e.Kind, "actor": e.Actor, "at": instant(micros(e.At)), "changes_sha256": hex.EncodeToString(e.Changes[:]),
				"what": c.Says, "file": leafName(c.Leaf) + ".entry",
			}
		}),
	}
}

var _ json.Marshaler = casebook.Value{} // figures are written as they are everywhere
