package attribute

import "errors"

// texts are numbered texts, one behind the other. Number 0 is the empty one.
type texts struct {
	all  string
	ends []uint32 // of each text in all
}

func (t *texts) at(n uint32) string {
	if n == 0 {
		return ""
	}
	return t.all[t.ends[n-1]:t.ends[n]]
}

func (t *texts) len() uint32 { return uint32(len(t.ends)) }

func textsOf(list []string) texts {
	size := 0
	for _, s := range list {
		size += len(s)
	}
	all, t := make([]byte, 0, size), texts{ends: make([]uint32, 0, len(list))}
	for _, s := range list {
		all = append(all, s...)
		t.ends = append(t.ends, uint32(len(all)))
	}
	t.all = string(all)
	return t
}

// sound checks that the texts follow each other from the start to the end of all.
func (t *texts) sound() error {
	if len(t.ends) == 0 || t.ends[0] != 0 {
		return errors.New("text 0 isn't empty")
	}
	for n := 1; n < len(t.ends); n++ {
		if t.ends[n] < t.ends[n-1] {
			return errors.New("texts are out of order")
		}
	}
	if uint64(t.ends[len(t.ends)-1]) != uint64(len(t.all)) {
		return errors.New("the last text doesn't end with the texts")
	}
	return nil
}
