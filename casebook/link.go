package casebook

import "time"

// AnswerLink lets whoever has its secret read one served order and answer it, without
// an account. Only the secret's digest is kept.
type AnswerLink struct {
	Order     ID
	MadeAt    time.Time
	MadeBy    string
	RevokedAt time.Time // zero: it wasn't
	RevokedBy string
}

// LinkGrace is for how long after the end of its order a link still shows what was
// answered, and for how long after the limit it still takes answers.
const LinkGrace = 30 * 24 * time.Hour

// OpensAt reports whether the link shows its order at a moment: from service until a
// while after its end or its limit, unless it was revoked.
func (l AnswerLink) OpensAt(o Order, at time.Time) bool {
	switch {
	case !l.RevokedAt.IsZero():
		return false
	case o.State == ServedOrder:
		return !at.After(o.Due.Add(LinkGrace))
	case o.State == ClosedOrder, o.State == WithdrawnOrder && !o.ServedAt.IsZero():
		return !at.After(o.RecordedAt.Add(LinkGrace))
	}
	return false
}
