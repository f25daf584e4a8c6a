package indicator

import (
	"cmp"
	"slices"
	"strings"
)

// Families folds the names that different sources give to one malware. The zero
// value folds nothing but case and platform.
type Families struct {
	names    map[string]string // folded name to the cluster's own; sealed
	clusters map[string]*cluster
	order    []string // of clusters, as they came
	size     int      // names and synonyms
	known    int      // clusters, sealed
}

// cluster is a malware under the names that publishers' clusters give it.
type cluster struct {
	name     string
	count    int // clusters of this name
	synonyms []string
}

// maxFamilies bounds the names that are folded.
const maxFamilies = 1 << 18

// platforms stand in front of a family's name in lists and clusters; they say where
// it runs.
var platforms = []string{"android_", "apk.", "apt_", "asp.", "elf_", "elf.", "ios.", "jar.", "js.", "osx_", "osx.", "php.", "powershell_", "ps1.", "py.", "python_", "symbian.", "vbs.", "win.", "win32.", "win64."}

// plain is a name without what sources write differently: case, blanks, hyphens,
// platform.
func plain(name string) string {
	s := strings.ToLower(strings.TrimSpace(name))
	s, _, _ = strings.Cut(s, " (") // Mirai (ELF)
	s = withoutPlatform(s)
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '_', '.', '/', '\'':
			return -1
		}
		return r
	}, s)
}

// Add takes a cluster: the name to be used, and its synonyms.
func (f *Families) Add(name string, synonyms []string) {
	own := plain(name)
	if own == "" || f.size >= maxFamilies {
		return
	}
	if f.clusters == nil {
		f.clusters = map[string]*cluster{}
	}
	c := f.clusters[own]
	if c == nil {
		c = &cluster{name: strings.Clone(strings.TrimSpace(name))}
		f.clusters[own] = c
		f.order = append(f.order, own)
		f.size++
	}
	c.count++
	for _, s := range synonyms {
		if p := plain(s); len(p) > 2 && p != own && !slices.Contains(c.synonyms, p) && f.size < maxFamilies {
			c.synonyms = append(c.synonyms, p)
			f.size++
		}
	}
}

// seal settles who is whom. Publishers disagree, so a synonym that is another
// cluster's own name is believed only if that cluster says the same; the two are
// then one, under the name that more publishers use. A synonym that two clusters
// claim goes to the first.
func (f *Families) seal() {
	f.names, f.known = make(map[string]string, f.size), len(f.clusters)
	for _, own := range f.order {
		if f.names[own] == "" {
			f.join(f.together(own))
		}
	}
	for _, own := range f.order {
		for _, s := range f.clusters[own].synonyms {
			if f.clusters[s] == nil && f.names[s] == "" {
				f.names[s] = f.names[own]
			}
		}
	}
}

// together gives the clusters that a cluster is one with, itself among them.
func (f *Families) together(own string) []string {
	all := []string{own}
	for i := 0; i < len(all); i++ {
		for _, s := range f.clusters[all[i]].synonyms {
			if c := f.clusters[s]; c != nil && slices.Contains(c.synonyms, all[i]) && !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// join gives clusters that are one the same name.
func (f *Families) join(all []string) {
	best := slices.MinFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(f.clusters[b].count, f.clusters[a].count), strings.Compare(a, b))
	})
	for _, own := range all {
		f.names[own] = f.clusters[best].name
	}
}

// Fold gives the name by which a family is known here: its cluster's, or else the
// name as it is, without platform and in lower case.
func (f *Families) Fold(name string) string {
	if name == "" {
		return ""
	}
	if f != nil {
		if cluster := f.names[plain(name)]; cluster != "" {
			return withoutPlatform(cluster)
		}
	}
	return withoutPlatform(strings.ToLower(strings.TrimSpace(name)))
}

func withoutPlatform(name string) string {
	for _, p := range platforms {
		if rest, found := strings.CutPrefix(name, p); found && rest != "" {
			return rest
		}
	}
	return name
}

// Clusters is the number of families with a name of their own.
func (f *Families) Clusters() int {
	if f == nil {
		return 0
	}
	return f.known
}

// nameless are words that lists write where a family isn't known.
var nameless = []string{"", "-", "generic", "unknown", "unknown malware", "malware", "none", "n/a", "c2", "botnet c2", "malware download", "malware_download", "payload", "payload_delivery", "botnet_cc", "malware distribution", "misc"}

// familyOf finds a family's name in what a list writes about an indicator:
// "Emotet", "Possible Cobaltstrike C2 IP", "Gozi C&C", "win.emotet".
func familyOf(text string) string {
	s := strings.TrimSpace(text)
	lower := strings.ToLower(s)
	for _, before := range []string{"possible ", "suspected ", "malicious "} {
		if strings.HasPrefix(lower, before) {
			s, lower = s[len(before):], lower[len(before):]
		}
	}
	for _, after := range []string{" ip", " domain", " fqdn", " url", " server", " c2", " c&c", " botnet c&c", " botnet c2", " malware"} {
		if strings.HasSuffix(lower, after) {
			s, lower = s[:len(s)-len(after)], lower[:len(lower)-len(after)]
		}
	}
	if slices.Contains(nameless, lower) || len(s) > 60 || strings.Count(s, " ") > 3 {
		return ""
	}
	return s
}
