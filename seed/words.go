package seed

import "fmt"

// provinces have codes of ISO 3166-2.
var provinces = []struct{ code, name string }{
	{"CN-BJ", "Beijing"}, {"CN-TJ", "Tianjin"}, {"CN-HE", "Hebei"}, {"CN-SX", "Shanxi"}, {"CN-NM", "Nei Mongol"}, {"CN-LN", "Liaoning"},
	{"CN-JL", "Jilin"}, {"CN-HL", "Heilongjiang"}, {"CN-SH", "Shanghai"}, {"CN-JS", "Jiangsu"}, {"CN-ZJ", "Zhejiang"}, {"CN-AH", "Anhui"},
	{"CN-FJ", "Fujian"}, {"CN-JX", "Jiangxi"}, {"CN-SD", "Shandong"}, {"CN-HA", "Henan"}, {"CN-HB", "Hubei"}, {"CN-HN", "Hunan"},
	{"CN-GD", "Guangdong"}, {"CN-GX", "Guangxi"}, {"CN-HI", "Hainan"}, {"CN-CQ", "Chongqing"}, {"CN-SC", "Sichuan"}, {"CN-GZ", "Guizhou"},
	{"CN-YN", "Yunnan"}, {"CN-XZ", "Xizang"}, {"CN-SN", "Shaanxi"}, {"CN-GS", "Gansu"}, {"CN-QH", "Qinghai"}, {"CN-NX", "Ningxia"}, {"CN-XJ", "Xinjiang"},
}

// families makes up n names of malware, each once.
func families(n int) []string {
	first := []string{"Mor", "Zel", "Kra", "Ven", "Tol", "Bri", "Sna", "Quo", "Dar", "Fen", "Gul", "Hax", "Jor", "Lup", "Nim", "Oct", "Pel", "Rus", "Vor", "Wyr"}
	second := []string{"vex", "dra", "bot", "kit", "loq", "mira", "nox", "pand", "rix", "stel"}
	third := []string{"", "er", "is", "on", "ax", "ium", "el", "os", "ina", "ot"}
	all := make([]string, n)
	for i := range all {
		name := first[i%len(first)] + second[i/len(first)%len(second)] + third[i/len(first)/len(second)%len(third)]
		if again := i / (len(first) * len(second) * len(third)); again > 0 {
			name = fmt.Sprintf("%s.%d", name, again)
		}
		all[i] = name
	}
	return all
}

// officers are who works on the cases; each has an account.
var officers = []string{"wang", "li", "zhang", "liu", "chen", "yang", "zhao", "huang", "zhou", "wu", "xu", "sun"}
