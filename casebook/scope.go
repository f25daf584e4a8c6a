package casebook

// Scope narrows what a reader sees. It is computed by access and obeyed by
// store; the zero value sees nothing.
type Scope struct {
	Tenant int64
	// All lets the reader see every row of the tenant.
	All bool
	// Party sees what was shared with it, and nothing of what wasn't. It says
	// nothing where All is set.
	Party ID
	// MaxTLP is the strictest label shown.
	MaxTLP TLP
}

// Operator is the scope of the person or process that runs the platform itself.
func Operator() Scope { return Scope{Tenant: 1, All: true, MaxTLP: Red} }
