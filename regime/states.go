package regime

import "time"

// memberState is what a party's member state decides under a union's law.
type memberState struct {
	zone     *time.Location
	calendar string // of working days, where there is one: otherwise the pack's
}

// states are the member states of the European Union.
var states = func() map[string]memberState {
	out := map[string]memberState{}
	for code, zone := range map[string]string{
		"AT": "Europe/Vienna", "BE": "Europe/Brussels", "BG": "Europe/Sofia", "CY": "Asia/Nicosia",
		"CZ": "Europe/Prague", "DE": "Europe/Berlin", "DK": "Europe/Copenhagen", "EE": "Europe/Tallinn",
		"ES": "Europe/Madrid", "FI": "Europe/Helsinki", "FR": "Europe/Paris", "GR": "Europe/Athens",
		"HR": "Europe/Zagreb", "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IT": "Europe/Rome",
		"LT": "Europe/Vilnius", "LU": "Europe/Luxembourg", "LV": "Europe/Riga", "MT": "Europe/Malta",
		"NL": "Europe/Amsterdam", "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "RO": "Europe/Bucharest",
		"SE": "Europe/Stockholm", "SI": "Europe/Ljubljana", "SK": "Europe/Bratislava",
	} {
		location, err := time.LoadLocation(zone)
		if err != nil {
			panic(err) // the zone database is part of the program
		}
		out[code] = memberState{zone: location}
	}
	out["DE"] = memberState{zone: out["DE"].zone, calendar: "de"}
	return out
}()
