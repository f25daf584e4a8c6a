package main

import (
	"fmt"
	"io"
	"strings"

	"tocsin/detect"
)

const toldEvidence = 4 // of a claim, to a person

// printScan tells a person what was found, the gravest first.
func printScan(w io.Writer, r detect.Report, s scanSummary, weak bool) error {
	var b strings.Builder
	sure, maybe, context := 0, 0, 0
	for i := range r.Bots {
		switch r.Bots[i].Certainty {
		case detect.Confirmed:
			sure++
		case detect.Suspected:
			maybe++
		default:
			context++
		}
	}
	span := "an empty capture"
	if s.First != "" {
		span = s.First + " to " + s.Last
	}
	fmt.Fprintf(&b, "%s records in %s files, %s; %s hosts at home\n", count(s.Records), count(int64(s.Files)), span, count(int64(s.Hosts)))
	fmt.Fprintf(&b, "bots: %d confirmed, %d suspected; botnets: %d\n", sure, maybe, len(r.Botnets))
	for i := range r.Botnets {
		tellBotnet(&b, &r.Botnets[i])
	}
	for i := range r.Bots {
		if r.Bots[i].Certainty > detect.Weak || weak {
			tellBot(&b, &r.Bots[i])
		}
	}
	for i := range r.Controllers {
		if r.Controllers[i].Certainty > detect.Weak || weak {
			tellController(&b, &r.Controllers[i])
		}
	}
	tellRest(&b, s, context, weak)
	_, err := io.WriteString(w, b.String())
	return err
}

// tellRest says what a reader must know of what is not told.
func tellRest(b *strings.Builder, s scanSummary, context int, weak bool) {
	if context > 0 && !weak {
		fmt.Fprintf(b, "\n%s hosts show something that alone means little; --weak tells what\n", count(int64(context)))
	}
	if s.Refused > 0 {
		fmt.Fprintf(b, "%s records made no sense and were refused\n", count(s.Refused))
	}
	if s.Strays > 0 {
		fmt.Fprintf(b, "%s flows had no end at home and weren't judged; --home names what is home\n", count(s.Strays))
	}
	if s.Late > 0 {
		fmt.Fprintf(b, "%s records came too late to be judged in their place\n", count(s.Late))
	}
	if s.Dropped > 0 {
		fmt.Fprintf(b, "%s records found no room in bounded tables; claims may be missing\n", count(s.Dropped))
	}
	if s.Sampled {
		b.WriteString("the flows were sampled: intervals say nothing and were left out\n")
	}
}

func tellBotnet(b *strings.Builder, n *detect.Botnet) {
	fmt.Fprintf(b, "\nBOTNET %s %s%s, %s, confidence %.2f\n", n.ID, n.Certainty, family(n.Family), n.Topology, n.Confidence)
	if ends := append(texts(n.Controllers), n.Names...); len(ends) > 0 {
		fmt.Fprintf(b, "  commanded by %s\n", plain(some(ends)))
	}
	if n.Peers > 0 {
		fmt.Fprintf(b, "  %s peers outside\n", count(int64(n.Peers)))
	}
	fmt.Fprintf(b, "  %s\n", some(texts(n.Members)))
	tellEvidence(b, n.Evidence, false)
}

func tellBot(b *strings.Builder, c *detect.Bot) {
	fmt.Fprintf(b, "\nBOT %s %s%s, confidence %.2f\n", c.Addr, c.Certainty, family(c.Family), c.Confidence)
	if ends := append(texts(c.Controllers), c.Names...); len(ends) > 0 {
		fmt.Fprintf(b, "  commanded by %s\n", plain(some(ends)))
	}
	if len(c.Acts) > 0 {
		fmt.Fprintf(b, "  does harm: %s\n", strings.ReplaceAll(strings.Join(c.Acts, ", "), "_", " "))
	}
	tellEvidence(b, c.Evidence, true)
}

func tellController(b *strings.Builder, c *detect.Controlled) {
	at := c.Name
	if c.Endpoint.Valid() {
		at = c.Endpoint.String() + "/" + transportName(c.Endpoint.Transport)
		if c.Name != "" {
			at += " (" + c.Name + ")"
		}
	}
	if c.Sinkhole {
		at += ", now a defender's sinkhole,"
	}
	fmt.Fprintf(b, "\nCONTROLLER %s %s%s, confidence %.2f, of %s\n", plain(at), c.Certainty, family(c.Family), c.Confidence, some(texts(c.Bots)))
}

func family(name string) string {
	if name == "" {
		return ""
	}
	return " " + plain(name)
}

func tellEvidence(b *strings.Builder, list []detect.Evidence, from bool) {
	for i := range list {
		if i == toldEvidence {
			fmt.Fprintf(b, "  … and %d reasons more\n", len(list)-i)
			return
		}
		e := &list[i]
		at := ""
		switch {
		case from && e.Peer.Valid() && e.Peer.Port > 0:
			at = e.Peer.String() + ": "
		case from && e.Name != "":
			at = e.Name + ": "
		}
		fmt.Fprintf(b, "  - %s: %s%s\n", e.Detector, plain(at), plain(e.Because))
	}
}

// some names the first of a list.
func some(list []string) string {
	const told = 6
	if len(list) > told {
		return strings.Join(list[:told], ", ") + fmt.Sprintf(" and %d more", len(list)-told)
	}
	return strings.Join(list, ", ")
}
