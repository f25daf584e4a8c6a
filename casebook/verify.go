package casebook

import (
	"fmt"
	"time"
)

const (
	// QuietDays is on how many days a source that had seen an asset must have
	// published without it, before it counts as clean.
	QuietDays = 7
	// QuietLimit is how long that is waited for. Then nobody could say.
	QuietLimit = 21 * 24 * time.Hour
)

// Verify says where a row stands that a party said is clean at a moment: reopened if
// it was seen afterwards, verified if those that had seen it looked on QuietDays days
// and saw it no more, unverified if they didn't look often enough within QuietLimit.
// answered is the state in between. heard are the days on which any source that ever
// saw the asset published something. why is a sentence with the figures.
func Verify(claimed, lastSeen time.Time, heard Days, now time.Time) (state RowState, why string) {
	if lastSeen.After(claimed) {
		after := lastSeen.Sub(claimed).Round(time.Minute)
		return ReopenedRow, fmt.Sprintf("seen again at %s UTC, %d h %d min after it was said to be clean", lastSeen.UTC().Format(time.DateTime), int(after.Hours()), int(after.Minutes())%60)
	}
	quiet := 0
	for day := DayOf(claimed) + 1; day <= DayOf(now); day++ {
		if heard.Has(day) {
			quiet++
		}
	}
	switch {
	case quiet >= QuietDays:
		return VerifiedRow, fmt.Sprintf("not seen on %d days since, on which sources that had seen it published", quiet)
	case now.Sub(claimed) >= QuietLimit:
		return UnverifiedRow, fmt.Sprintf("sources that had seen it published on %d of the %d days since: too few to say that it is gone", quiet, int(now.Sub(claimed).Hours()/24))
	}
	return AnsweredRow, fmt.Sprintf("not seen on %d days since; %d are needed", quiet, QuietDays)
}
