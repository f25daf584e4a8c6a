package casebook

import (
	"fmt"
	"slices"
)

// Type is an incident type of the Reference Security Incident Taxonomy (RSIT,
// working copy version 1003), held as its row in the table below. The zero
// value is "undetermined".
type Type uint8

// The types that code speaks of by name; the rest are found by TypeByName.
const (
	Undetermined Type = iota
	InfectedSystem
	C2Server
	MalwareDistribution
	MalwareConfiguration
	Spam
	Scanner
	Sniffing
	SocialEngineering
	Exploit
	BruteForce
	NewAttackSignature
	PrivilegedAccountCompromise
	UnprivilegedAccountCompromise
	ApplicationCompromise
	SystemCompromise
	Burglary
	DoS
	DDoS
	Misconfiguration
	Sabotage
	Outage
	UnauthorisedInformationAccess
	UnauthorisedInformationModification
	DataLoss
	DataLeak
	UnauthorisedUseOfResources
	Masquerade
	Phishing
	WeakCrypto
	DDoSAmplifier
	PotentiallyUnwantedAccessible
	InformationDisclosure
	VulnerableSystem
	Other
	Test
)

// rsit is the taxonomy without what people say or show (harmful speech, sexual
// content, copyright), which is out of scope. The role is what the asset of such
// an observation plays unless the feed knows better.
var rsit = [...]struct {
	class, name string
	role        Role
}{
	Undetermined:                        {"other", "undetermined", RoleOther},
	InfectedSystem:                      {"malicious-code", "infected-system", Bot},
	C2Server:                            {"malicious-code", "c2-server", Controller},
	MalwareDistribution:                 {"malicious-code", "malware-distribution", Distributor},
	MalwareConfiguration:                {"malicious-code", "malware-configuration", Distributor},
	Spam:                                {"abusive-content", "spam", Attacker},
	Scanner:                             {"information-gathering", "scanner", Attacker},
	Sniffing:                            {"information-gathering", "sniffing", Attacker},
	SocialEngineering:                   {"information-gathering", "social-engineering", Attacker},
	Exploit:                             {"intrusion-attempts", "exploit", Attacker},
	BruteForce:                          {"intrusion-attempts", "brute-force", Attacker},
	NewAttackSignature:                  {"intrusion-attempts", "new-attack-signature", Attacker},
	PrivilegedAccountCompromise:         {"intrusions", "privileged-account-compromise", Compromised},
	UnprivilegedAccountCompromise:       {"intrusions", "unprivileged-account-compromise", Compromised},
	ApplicationCompromise:               {"intrusions", "application-compromise", Compromised},
	SystemCompromise:                    {"intrusions", "system-compromise", Compromised},
	Burglary:                            {"intrusions", "burglary", Compromised},
	DoS:                                 {"availability", "dos", Attacker},
	DDoS:                                {"availability", "ddos", Attacker},
	Misconfiguration:                    {"availability", "misconfiguration", Exposed},
	Sabotage:                            {"availability", "sabotage", Compromised},
	Outage:                              {"availability", "outage", RoleOther},
	UnauthorisedInformationAccess:       {"information-content-security", "unauthorised-information-access", Compromised},
	UnauthorisedInformationModification: {"information-content-security", "unauthorised-information-modification", Compromised},
	DataLoss:                            {"information-content-security", "data-loss", Compromised},
	DataLeak:                            {"information-content-security", "data-leak", Compromised},
	UnauthorisedUseOfResources:          {"fraud", "unauthorised-use-of-resources", Attacker},
	Masquerade:                          {"fraud", "masquerade", Attacker},
	Phishing:                            {"fraud", "phishing", Distributor},
	WeakCrypto:                          {"vulnerable", "weak-crypto", Exposed},
	DDoSAmplifier:                       {"vulnerable", "ddos-amplifier", Exposed},
	PotentiallyUnwantedAccessible:       {"vulnerable", "potentially-unwanted-accessible", Exposed},
	InformationDisclosure:               {"vulnerable", "information-disclosure", Exposed},
	VulnerableSystem:                    {"vulnerable", "vulnerable-system", Exposed},
	Other:                               {"other", "other", RoleOther},
	Test:                                {"test", "test", RoleOther},
}

var typeByName = func() map[string]Type {
	m := make(map[string]Type, len(rsit))
	for i, t := range rsit {
		m[t.name] = Type(i)
	}
	return m
}()

// TypeByName finds a type by its RSIT identifier ("c2-server"). It gives
// ErrInvalid for a name that the taxonomy doesn't have or that is out of scope.
func TypeByName(name string) (Type, error) {
	t, ok := typeByName[name]
	if !ok {
		return 0, fmt.Errorf("%q is not an incident type of the taxonomy in use: %w", name, ErrInvalid)
	}
	return t, nil
}

// Class is the first column of the taxonomy ("malicious-code").
func (t Type) Class() string { return rsit[t.known()].class }

// String is the second column of the taxonomy ("infected-system").
func (t Type) String() string { return rsit[t.known()].name }

// Role is what the asset of an observation of this type plays, unless its feed
// knows better.
func (t Type) Role() Role { return rsit[t.known()].role }

func (t Type) known() Type {
	if int(t) >= len(rsit) {
		return Undetermined
	}
	return t
}

// Classes are the classes of the taxonomy, in its order, but for tests.
func Classes() []string {
	var all []string
	for _, t := range rsit {
		if t.class != Test.Class() && !slices.Contains(all, t.class) {
			all = append(all, t.class)
		}
	}
	return all
}
