package report

import (
	_ "embed"
	"fmt"
	"strings"

	"tocsin/casebook"
)

// readmeText says how a stranger verifies an archive; {{case}} and {{tlp}} are filled
// in.
//
//go:embed page/readme.txt
var readmeText string

// verifyScript walks the steps of the readme with sh, sha256sum, xxd and openssl.
//
//go:embed page/verify.sh
var verifyScript string

func (c Case) readme() string {
	said := fmt.Sprintf("Case %s: %s\nExported %s by %s from %s.", c.Incident.ID.Text(casebook.IncidentPrefix), oneLine(c.Incident.Title),
		moment(c.At, c.Zone), oneLine(c.By), oneLine(c.Platform))
	if c.Incident.Mark.Exercise {
		said = exerciseMark.EN + " " + exerciseMark.ZH + "\n" + said
	}
	return strings.NewReplacer("{{case}}", said, "{{tlp}}", tlpLabel(c.Incident.Mark.TLP)).Replace(readmeText)
}
