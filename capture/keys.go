package capture

// keyTable finds names among a few, faster than a map: open addressing by length,
// first, middle and last octet.
type keyTable struct {
	slots []keySlot
}

type keySlot struct {
	name string
	id   int
}

// newKeys makes a table that gives each name its place in the list. An empty name
// holds its place and is never found.
func newKeys(names []string) *keyTable {
	size := 16
	for size < 6*len(names) {
		size *= 2
	}
	t := &keyTable{make([]keySlot, size)}
	for id, name := range names {
		if name != "" && t.find([]byte(name)) < 0 {
			t.slots[t.place([]byte(name))] = keySlot{name, id}
		}
	}
	return t
}

// find gives a name's place, or -1.
func (t *keyTable) find(name []byte) int {
	if len(name) == 0 {
		return -1
	}
	if s := &t.slots[t.place(name)]; s.name != "" {
		return s.id
	}
	return -1
}

// alias gives another name the same place.
func (t *keyTable) alias(name string, id int) {
	t.slots[t.place([]byte(name))] = keySlot{name, id}
}

// place is where a name stands, or would.
func (t *keyTable) place(name []byte) int {
	n := len(name)
	h := n*7 + int(name[0])*31 + int(name[n/2])*131 + int(name[n-1])*17
	for mask := len(t.slots) - 1; ; h++ {
		s := &t.slots[h&mask]
		if s.name == "" || s.name == string(name) {
			return h & mask
		}
	}
}
