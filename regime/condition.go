package regime

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"

	"tocsin/casebook"
)

// Truth is what a condition comes to. It has three values, since a fact may be
// unknown (Kleene's strong logic, which CEL keeps for partial input).
type Truth uint8

// The truths. Maybe needs a fact that isn't known.
const (
	No Truth = iota
	Maybe
	Yes
)

func (t Truth) String() string { return [...]string{"no", "maybe", "yes"}[t] }

// Condition is a compiled condition over the register's facts, in CEL.
type Condition struct {
	Text    string
	Facts   []string // that it names, sorted
	program cel.Program
	// ways are the conditions of which any one is enough: those joined by || at the
	// top, or the condition itself.
	ways []*Condition
	// edges are the numbers that a fact is compared with, sorted, by fact: between
	// them the condition doesn't change.
	edges map[string][]int64
}

const (
	maxCondition = 2000 // characters
	maxCost      = 10_000
	maxCorners   = 4096
)

// Compile reads a condition. It gives ErrInvalid for one that isn't a yes-or-no
// expression over facts of the register.
func (r *Register) Compile(text string) (*Condition, error) {
	if len(text) > maxCondition {
		return nil, fmt.Errorf("condition of more than %d characters: %w", maxCondition, casebook.ErrTooLarge)
	}
	compiled, issues := r.env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, r.explain(text, issues)
	}
	if compiled.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("condition %q comes to %s, expected yes or no: %w", text, compiled.OutputType(), casebook.ErrInvalid)
	}
	c := &Condition{Text: text, edges: map[string][]int64{}}
	c.note(compiled.NativeRep().Expr())
	for f := range c.edges {
		c.edges[f] = slices.Compact(slices.Sorted(slices.Values(c.edges[f])))
	}
	c.Facts = slices.Sorted(maps.Keys(c.edges))
	for _, f := range c.Facts {
		if words := r.facts[f].Words; len(words) > 0 {
			if err := c.checkWords(compiled.NativeRep().Expr(), f, words); err != nil {
				return nil, err
			}
		}
	}
	var err error
	c.program, err = r.env.Program(compiled, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(maxCost))
	if err != nil {
		return nil, fmt.Errorf("condition %q: %v: %w", text, err, casebook.ErrInvalid)
	}
	if c.ways, err = r.split(c, compiled); err != nil {
		return nil, err
	}
	return c, nil
}

// split compiles each side of a condition's topmost || by itself: they are ways to
// reach the same, and one that nothing is known of doesn't make another one doubtful.
func (r *Register) split(c *Condition, compiled *cel.Ast) ([]*Condition, error) {
	tree := compiled.NativeRep()
	if root := tree.Expr(); root.Kind() != ast.CallKind || root.AsCall().FunctionName() != operators.LogicalOr {
		return []*Condition{c}, nil
	}
	var ways []*Condition
	for _, side := range tree.Expr().AsCall().Args() {
		text, err := parser.Unparse(side, tree.SourceInfo())
		if err != nil {
			return nil, fmt.Errorf("condition %q: %v: %w", c.Text, err, casebook.ErrInvalid)
		}
		way, err := r.Compile(text)
		if err != nil {
			return nil, err
		}
		ways = append(ways, way.ways...)
	}
	return ways, nil
}

// explain says what is wrong with a condition; for a name that isn't in the
// register, which was meant.
func (r *Register) explain(text string, issues *cel.Issues) error {
	parsed, bad := r.env.Parse(text)
	if bad.Err() == nil {
		var stranger string
		ast.PostOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
			if e.Kind() == ast.IdentKind && stranger == "" {
				if _, ok := r.facts[e.AsIdent()]; !ok {
					stranger = e.AsIdent()
				}
			}
		}))
		if stranger != "" {
			return fmt.Errorf("condition names the fact %.80s, which isn't in the register%s: %w", stranger, meant(stranger, r.names()), casebook.ErrInvalid)
		}
	}
	first := issues.Errors()[0]
	return fmt.Errorf("condition %q, character %d: %s: %w", text, first.Location.Column()+1, first.Message, casebook.ErrInvalid)
}

// note collects facts, and the numbers that they are compared with.
func (c *Condition) note(root ast.Expr) {
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			c.edges[e.AsIdent()] = append(c.edges[e.AsIdent()], []int64{}...)
		case ast.CallKind:
			args := e.AsCall().Args()
			if len(args) != 2 {
				return
			}
			for i := range args {
				fact, number := args[i], args[1-i]
				if fact.Kind() == ast.IdentKind && number.Kind() == ast.LiteralKind {
					if n, ok := number.AsLiteral().(types.Int); ok {
						c.edges[fact.AsIdent()] = append(c.edges[fact.AsIdent()], int64(n))
					}
				}
			}
		}
	}))
}

// checkWords looks whether a fact is compared with words that it may be.
func (c *Condition) checkWords(root ast.Expr, fact string, words []string) (err error) {
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		for i, a := range e.AsCall().Args() {
			other := e.AsCall().Args()[1-i]
			if a.Kind() != ast.IdentKind || a.AsIdent() != fact || other.Kind() != ast.LiteralKind {
				continue
			}
			if w, ok := other.AsLiteral().(types.String); ok && !slices.Contains(words, string(w)) {
				err = fmt.Errorf("condition compares %s with %q%s: %w", fact, w, meant(string(w), words), casebook.ErrInvalid)
			}
		}
	}))
	return err
}

// At evaluates the condition with best guesses: an interval counts with its point.
func (c *Condition) At(facts casebook.Facts) Truth {
	return c.eval(facts, nil)
}

// Could reports the highest truth that any values within the intervals give.
func (c *Condition) Could(facts casebook.Facts) Truth {
	return c.corners(facts, c.Facts, map[string]int64{}, new(int))
}

// corners tries, fact by fact, the ends of its interval and the values on both
// sides of each number it is compared with.
func (c *Condition) corners(facts casebook.Facts, rest []string, chosen map[string]int64, tried *int) Truth {
	if *tried++; *tried > maxCorners {
		return Maybe // too many to try: it is not known, and that is said
	}
	if len(rest) == 0 {
		return c.eval(facts, chosen)
	}
	v := facts[rest[0]]
	if v.Kind != casebook.Number || v.Number.Low == v.Number.High {
		return c.corners(facts, rest[1:], chosen, tried)
	}
	values := []int64{v.Number.Point, v.Number.Low, v.Number.High}
	for _, edge := range c.edges[rest[0]] {
		for _, n := range []int64{edge - 1, edge, edge + 1} {
			if n > v.Number.Low && n < v.Number.High {
				values = append(values, n)
			}
		}
	}
	best := No
	for _, n := range values {
		chosen[rest[0]] = n
		if best = max(best, c.corners(facts, rest[1:], chosen, tried)); best == Yes {
			break
		}
	}
	delete(chosen, rest[0])
	return best
}

func (c *Condition) eval(facts casebook.Facts, chosen map[string]int64) Truth {
	known := map[string]any{}
	var unknown []*cel.AttributePatternType
	for _, name := range c.Facts {
		switch v := facts[name]; v.Kind {
		case casebook.Number:
			n, ok := chosen[name]
			if !ok {
				n = v.Number.Point
			}
			known[name] = n
		case casebook.YesNo:
			known[name] = v.Yes
		case casebook.Word:
			known[name] = v.Word
		default:
			unknown = append(unknown, cel.AttributePattern(name))
		}
	}
	vars, err := cel.PartialVars(known, unknown...)
	if err != nil {
		return Maybe
	}
	out, _, err := c.program.Eval(vars)
	// What can't be computed (an overflow, a division by nothing) isn't known.
	if err != nil || types.IsUnknown(out) {
		return Maybe
	}
	if out == types.True {
		return Yes
	}
	return No
}

// touched reports whether the incident states any fact that the condition names.
func (c *Condition) touched(facts casebook.Facts) bool {
	return slices.ContainsFunc(c.Facts, func(f string) bool { return facts[f].Kind != casebook.Unknown })
}

// figures are those of the incident's facts that the condition names.
func (c *Condition) figures(facts casebook.Facts) casebook.Facts {
	out := casebook.Facts{}
	for _, f := range c.Facts {
		if v := facts[f]; v.Kind != casebook.Unknown {
			out[f] = v
		}
	}
	return out
}

// threshold is one comparison of a fact with a number.
type threshold struct {
	fact string
	op   string // ">=", ">", "<=", "<", "=="
	edge int64
}

func (t threshold) String() string { return t.fact + " " + t.op + " " + strconv.FormatInt(t.edge, 10) }

// holds reports on which side of the threshold a number is.
func (t threshold) holds(n int64) bool {
	switch t.op {
	case ">=":
		return n >= t.edge
	case ">":
		return n > t.edge
	case "<=":
		return n <= t.edge
	case "<":
		return n < t.edge
	}
	return n == t.edge
}

var comparisons = map[string][2]string{
	operators.GreaterEquals: {">=", "<="},
	operators.Greater:       {">", "<"},
	operators.LessEquals:    {"<=", ">="},
	operators.Less:          {"<", ">"},
	operators.Equals:        {"==", "=="},
	operators.NotEquals:     {"==", "=="},
}

// thresholds gives the comparisons of the condition with whole numbers.
func (r *Register) thresholds(text string) []threshold {
	parsed, issues := r.env.Parse(text)
	if issues.Err() != nil {
		return nil
	}
	var list []threshold
	ast.PostOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		op, ok := comparisons[e.AsCall().FunctionName()]
		if !ok {
			return
		}
		for i, a := range e.AsCall().Args() {
			other := e.AsCall().Args()[1-i]
			if a.Kind() == ast.IdentKind && other.Kind() == ast.LiteralKind {
				if n, ok := other.AsLiteral().(types.Int); ok {
					list = append(list, threshold{a.AsIdent(), op[i], int64(n)})
				}
			}
		}
	}))
	return list
}
