package casebook

// ActorKind tells people, machines and rules apart.
type ActorKind uint8

// The kinds of actors. A rule may find, propose and warn; it never determines,
// decides or executes.
const (
	Rule ActorKind = iota
	Person
	Machine
)

var actorKindNames = words{"rule", "person", "machine"}

// Actor is who does something: a person, a machine key, or a rule.
type Actor struct {
	Kind ActorKind
	Name string
}

// String writes the actor as the record keeps it: "person:alice".
func (a Actor) String() string { return actorKindNames.of(uint8(a.Kind)) + ":" + a.Name }
