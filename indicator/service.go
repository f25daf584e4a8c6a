package indicator

import (
	_ "embed"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/gaissmai/bart"

	"tocsin/casebook"
)

// Service is a row of the program's own table of what calls home by itself, and of
// the content networks that everybody calls.
type Service struct {
	Kind   string // time, update, push, check, resolver, telemetry, antivirus, list, local, network
	What   string // for people: "Windows Update"
	Where  string // a name with all below it, an address, a prefix, or * for anywhere
	Ports  string // "123/udp 853/tcp"; empty is any
	Source string // where its maker or a standard says so
}

//go:embed services.csv
var servicesText string

// services is the table as it is asked.
type services struct {
	all      []Service
	ports    [][]port
	names    map[string][]int // by suffix
	prefixes bart.Table[[]int]
	anywhere []int
}

type port struct {
	number    uint16
	transport uint8
}

var table = sync.OnceValue(func() *services {
	t, err := readServices(servicesText)
	if err != nil {
		panic(err) // the table is part of the program, and a test reads it
	}
	return t
})

// Services gives the table, in its own order.
func Services() []Service { return table().all }

func readServices(text string) (*services, error) {
	t := &services{names: map[string][]int{}}
	for n, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		if err := t.add(line); err != nil {
			return nil, fmt.Errorf("services.csv line %d: %q: %w", n+1, line, err)
		}
	}
	return t, nil
}

func (t *services) add(line string) error {
	f := strings.Split(line, ";")
	if len(f) != 5 {
		return fmt.Errorf("%d fields, not 5: %w", len(f), casebook.ErrInvalid)
	}
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	ports, err := readPorts(f[3])
	if err != nil {
		return err
	}
	i := len(t.all)
	t.all = append(t.all, Service{f[0], f[1], f[2], f[3], f[4]})
	t.ports = append(t.ports, ports)
	if f[2] == "*" {
		t.anywhere = append(t.anywhere, i)
		return nil
	}
	v, err := Parse(f[2])
	switch {
	case err != nil && strings.HasSuffix(f[2], ".arpa"):
		v = Value{Kind: Domain, Text: f[2]} // a public suffix, all the same everybody's list
	case err != nil:
		return err
	}
	switch v.Kind {
	case Address, Prefix:
		p := netip.PrefixFrom(v.Addr, int(v.Bits))
		if v.Kind == Address {
			p = netip.PrefixFrom(v.Addr, v.Addr.BitLen())
		}
		before, _ := t.prefixes.Get(p)
		t.prefixes.Insert(p, append(before, i))
	case Domain:
		t.names[v.Text] = append(t.names[v.Text], i)
	default:
		return errName
	}
	return nil
}

func readPorts(text string) (ports []port, err error) {
	for field := range strings.FieldsSeq(text) {
		digits, transport, _ := strings.Cut(field, "/")
		n, ok := number([]byte(digits), 65535)
		p := port{number: uint16(n)}
		switch transport {
		case "tcp":
			p.transport = 6
		case "udp":
			p.transport = 17
		default:
			ok = false
		}
		if !ok {
			return nil, fmt.Errorf("port %q: %w", field, errPort)
		}
		ports = append(ports, p)
	}
	return ports, nil
}

// fits reports whether a row means an endpoint's port. Where the port isn't known
// (0), a row with ports doesn't.
func (t *services) fits(i int, number uint16, transport uint8) bool {
	ports := t.ports[i]
	for _, p := range ports {
		if p.number == number && (p.transport == transport || transport == 0) {
			return true
		}
	}
	return len(ports) == 0
}

// FindService gives the row that a call means: by the name that was called, in lower
// case ("" if unknown), or else by address, port and transport (IANA numbers). Rows
// of kind network are left out: FindNetwork gives those.
func FindService(name string, a netip.Addr, port uint16, transport uint8) (Service, bool) {
	t := table()
	i := t.find(name, a, port, transport, false)
	if i < 0 {
		return Service{}, false
	}
	return t.all[i], true
}

// FindNetwork gives the content network of a name or an address.
func FindNetwork(name string, a netip.Addr) (Service, bool) {
	t := table()
	i := t.find(name, a, 0, 0, true)
	if i < 0 {
		return Service{}, false
	}
	return t.all[i], true
}

func (t *services) find(name string, a netip.Addr, number uint16, transport uint8, network bool) int {
	right := func(rows []int) int {
		for _, i := range rows {
			if (t.all[i].Kind == "network") == network && t.fits(i, number, transport) {
				return i
			}
		}
		return -1
	}
	for s := name; s != ""; _, s, _ = strings.Cut(s, ".") {
		if i := right(t.names[s]); i >= 0 {
			return i
		}
	}
	if a.IsValid() {
		for _, rows := range t.prefixes.Supernets(netip.PrefixFrom(a, a.BitLen())) {
			if i := right(rows); i >= 0 {
				return i
			}
		}
	}
	return right(t.anywhere)
}

// Clock says which benign service a call means that goes by a clock of its own: from
// the program's table, and from the site's lists of utilities. It has the shape in
// which detectors ask.
func (b *Base) Clock(name string, a netip.Addr, port uint16, transport uint8) (what string, known bool) {
	if s, known := FindService(name, a, port, transport); known {
		return s.What, true
	}
	for _, w := range b.Warnings.Name(name, name) {
		if w.Reach == Utility {
			return w.Entry.String() + ", " + w.Reach.String(), true
		}
	}
	return "", false
}

// CommonGround says what a name or an address belongs to that many unrelated ones share: a
// content network, a cloud, a public resolver.
func (b *Base) CommonGround(name string, a netip.Addr) (what string, known bool) {
	if s, known := FindNetwork(name, a); known {
		return s.What, true
	}
	said := b.Warnings.Name(name, name)
	if a.IsValid() {
		said = append(said, b.Warnings.Address(a)...)
	}
	for _, w := range said {
		switch w.Reach {
		case Network, Cloud, Resolver, Relay, Provider:
			return w.Entry.String() + ", " + w.Reach.String(), true
		}
	}
	return "", false
}
