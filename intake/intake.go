// Package intake is the doors: bytes come in, are stamped, bounded, hashed and
// kept, unread. What they mean is left to feed; that they were accepted is
// recorded by desk.
package intake
