package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/report"
)

// filing is a casebook.Report as the API shows it.
type filing struct {
	Kind       string    `json:"kind" enum:"report"`
	ID         string    `json:"id"`
	Incident   string    `json:"incident"`
	Duty       string    `json:"duty" doc:"That it is to meet; empty for one that no duty asks for."`
	Regime     string    `json:"regime"`
	Stage      string    `json:"stage"`
	State      string    `json:"state" enum:"draft,filed,withdrawn"`
	Version    int       `json:"version" doc:"The newest; 0 while it is a draft."`
	Task       string    `json:"task" doc:"Number of the task, once a recipient gave one."`
	OpenedAt   time.Time `json:"opened_at"`
	Exercise   bool      `json:"exercise"`
	RecordedAt time.Time `json:"recorded_at"`
}

func viewFiling(r casebook.Report) filing {
	v := filing{Kind: "report", ID: r.ID.Text(casebook.ReportPrefix), Incident: r.Incident.Text(casebook.IncidentPrefix), Regime: r.Regime, Stage: r.Stage,
		State: r.State.String(), Version: r.Version, Task: r.Task, OpenedAt: r.OpenedAt, Exercise: r.Mark.Exercise, RecordedAt: r.RecordedAt}
	if !r.Duty.IsZero() {
		v.Duty = r.Duty.Text(casebook.DutyPrefix)
	}
	return v
}

// wholeFiling is a report with its fields, its filings, and what became of each.
type wholeFiling struct {
	filing
	Fields   []formField     `json:"fields" nullable:"false" doc:"As they stand: drafted from what is known now, under what people wrote."`
	Seen     string          `json:"seen" doc:"Tells these fields apart from what they say later; to be given back when the report is filed."`
	Lacks    []gap           `json:"lacks" nullable:"false" doc:"What is missing for the stage, what stops it first."`
	Versions []filingVersion `json:"versions" nullable:"false"`
}

type formField struct {
	ID       string `json:"id"`
	Label    string `json:"label"`
	LabelZH  string `json:"label_zh"`
	Value    string `json:"value"`
	From     string `json:"from" doc:"Where the value came from."`
	Required bool   `json:"required" doc:"The stage can't be filed without it."`
	Secret   bool   `json:"secret" doc:"Marked as a trade secret."`
}

type gap struct {
	Field  string `json:"field"`
	Stops  bool   `json:"stops"`
	Says   string `json:"says"`
	SaysZH string `json:"says_zh"`
}

type filingVersion struct {
	Number     int         `json:"number"`
	FiledAt    time.Time   `json:"filed_at"`
	Channel    string      `json:"channel"`
	LateReason string      `json:"late_reason"`
	Corrects   int         `json:"corrects" doc:"Number of the version that it corrects; 0 none."`
	Digest     string      `json:"digest" doc:"SHA-256 of the fields as they were filed."`
	By         string      `json:"by"`
	RecordedAt time.Time   `json:"recorded_at"`
	To         []addressee `json:"to" nullable:"false"`
}

// addressee is a casebook.Recipient as the API shows it.
type addressee struct {
	ID             string     `json:"id"`
	Role           string     `json:"role"`
	Name           string     `json:"name"`
	Copy           bool       `json:"copy"`
	DispatchedAt   *time.Time `json:"dispatched_at"`
	DeliveredAt    *time.Time `json:"delivered_at"`
	AcknowledgedAt *time.Time `json:"acknowledged_at"`
	Reference      string     `json:"reference" doc:"The recipient's own number for it."`
	Proof          string     `json:"proof"`
}

func viewAddressee(r casebook.Recipient) addressee {
	return addressee{r.ID.Text(casebook.RecipientPrefix), r.Role, r.Name, r.Copy, whenever(r.DispatchedAt), whenever(r.DeliveredAt), whenever(r.AcknowledgedAt), r.Reference, r.Proof}
}

// whenever gives a moment that may never have come.
func whenever(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type listReports struct {
	Asked
	Paged
	Incident string `query:"incident" doc:"Of this incident."`
}

// OneReport is the input that names a report.
type OneReport struct {
	Asked
	ID string `path:"id"`
}

type postReport struct {
	Asked
	Body struct {
		Acting
		Duty string `json:"duty" doc:"That the report is to meet."`
	}
}

type putReport struct {
	OneReport
	Body struct {
		Acting
		Fields []struct {
			ID     string `json:"id"`
			Value  string `json:"value"`
			Secret bool   `json:"secret,omitempty"`
		} `json:"fields"`
	}
}

type postFiling struct {
	OneReport
	Body struct {
		Acting
		Channel    string    `json:"channel,omitempty" enum:"program,mail,phone,fax,portal,post" doc:"program, or how it was filed outside; absent: program."`
		FiledAt    time.Time `json:"filed_at,omitzero" doc:"Outside: when. It may be entered late."`
		To         []string  `json:"to,omitempty" doc:"Outside: roles of those who got it; absent: everybody it had to go to."`
		Proof      string    `json:"proof,omitempty" doc:"Outside: the call sheet, or what the portal answered."`
		Reference  string    `json:"reference,omitempty"`
		LateReason string    `json:"late_reason,omitempty"`
		Corrects   int       `json:"corrects,omitempty" doc:"Number of the version that this one corrects."`
		Seen       string    `json:"seen,omitempty" doc:"As the report gave it when it was read: 409 where what is known has moved on since. Absent: whatever is known now is filed."`
	}
}

type postReceipt struct {
	Asked
	ID   string `path:"id"`
	Body struct {
		Acting
		Fact      string    `json:"fact" enum:"dispatched,delivered,acknowledged"`
		At        time.Time `json:"at,omitzero" doc:"Absent: now."`
		Reference string    `json:"reference,omitempty"`
		Proof     string    `json:"proof,omitempty"`
	}
}

func (s *server) enterReports(api huma.API) {
	tags := []string{"reports"}
	operation(api, huma.Operation{Method: http.MethodGet, Path: "/api/v1/reports", OperationID: "list-reports", Tags: tags, Summary: "List reports, newest first"}, s.listReports)
	operation(api, huma.Operation{Method: http.MethodPost, Path: "/api/v1/reports", OperationID: "draft-report", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Draft the report that a duty asks for", Description: "Its fields are filled from what is known."}, s.postReport)
	operation(api, huma.Operation{Method: http.MethodGet, Path: "/api/v1/reports/{id}", OperationID: "get-report", Tags: tags,
		Summary: "One report with its fields, its filings, and what became of each"}, func(ctx context.Context, in *OneReport) (*object[wholeFiling], error) { return s.wholeFiling(ctx, in) })
	operation(api, huma.Operation{Method: http.MethodPut, Path: "/api/v1/reports/{id}", OperationID: "write-report", Tags: tags, Summary: "Write fields of what is filed next"}, s.putReport)
	operation(api, huma.Operation{Method: http.MethodPost, Path: "/api/v1/reports/{id}/versions", OperationID: "file-report", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "File the next version", Description: "To the recipients that the law decides. Filed outside, it needs its proof."}, s.postFiling)
	operation(api, huma.Operation{Method: http.MethodPost, Path: "/api/v1/recipients/{id}", OperationID: "receipt", Tags: tags,
		Summary: "Write what became of a filing with one recipient"}, s.postReceipt)
}

func (s *server) listReports(ctx context.Context, in *listReports) (*object[page[filing]], error) {
	after, err := in.after(casebook.ReportPrefix)
	if err != nil {
		return nil, err
	}
	incident, err := idIfAny(casebook.IncidentPrefix, in.Incident)
	if err != nil {
		return nil, err
	}
	all, err := s.desk.Reader(in.x.caller.scope).Reports(ctx, incident, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return pageOf(all, in.Limit, viewFiling, func(r casebook.Report) string { return r.ID.Text(casebook.ReportPrefix) }), nil
}

func (s *server) wholeFiling(ctx context.Context, in *OneReport) (*object[wholeFiling], error) {
	id, err := casebook.ParseID(casebook.ReportPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	r := s.desk.Reader(in.x.caller.scope)
	one, _, err := r.Report(ctx, id)
	if err != nil {
		return nil, err
	}
	form, err := s.desk.Form(ctx, in.x.caller.actor, in.x.caller.scope, id)
	if err != nil {
		return nil, err
	}
	v := wholeFiling{filing: viewFiling(one), Seen: form.Seen(), Fields: []formField{}, Lacks: []gap{}, Versions: []filingVersion{}}
	for _, f := range form.Fields {
		v.Fields = append(v.Fields, formField{f.ID, f.Label.In(report.English), f.Label.In(report.Chinese), f.Value, f.From, f.Required, f.Secret})
	}
	for _, g := range form.Check() {
		v.Lacks = append(v.Lacks, gap{g.Field, g.Stops, g.Says.EN, g.Says.ZH})
	}
	versions, err := r.ReportVersions(ctx, id)
	if err != nil {
		return nil, err
	}
	to, err := r.ReportRecipients(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, f := range versions {
		one := filingVersion{f.Number, f.FiledAt, f.Channel, f.LateReason, f.Corrects, f.Digest.String(), f.By, f.RecordedAt, []addressee{}}
		for _, a := range to {
			if a.Version == f.Number {
				one.To = append(one.To, viewAddressee(a))
			}
		}
		v.Versions = append(v.Versions, one)
	}
	return &object[wholeFiling]{v}, nil
}

func (s *server) postReport(ctx context.Context, in *postReport) (*object[wholeFiling], error) {
	who, err := in.Body.person(in.x)
	if err != nil {
		return nil, err
	}
	duty, err := casebook.ParseID(casebook.DutyPrefix, in.Body.Duty)
	if err != nil {
		return nil, err
	}
	if _, err := s.desk.Reader(in.x.caller.scope).Duty(ctx, duty); err != nil {
		return nil, err
	}
	r, err := s.desk.DraftReport(ctx, who, duty)
	if err != nil {
		return nil, err
	}
	return s.wholeFiling(ctx, &OneReport{in.Asked, r.ID.Text(casebook.ReportPrefix)})
}

// onReport does a person's act on a report and answers with the whole of it.
func (s *server) onReport(ctx context.Context, in *OneReport, a Acting, act func(who casebook.Actor, id casebook.ID) error) (*object[wholeFiling], error) {
	who, err := a.person(in.x)
	if err != nil {
		return nil, err
	}
	id, err := casebook.ParseID(casebook.ReportPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.desk.Reader(in.x.caller.scope).Report(ctx, id); err != nil {
		return nil, err
	}
	if err := act(who, id); err != nil {
		return nil, err
	}
	return s.wholeFiling(ctx, in)
}

func (s *server) putReport(ctx context.Context, in *putReport) (*object[wholeFiling], error) {
	return s.onReport(ctx, &in.OneReport, in.Body.Acting, func(who casebook.Actor, id casebook.ID) error {
		var fields []casebook.FormField
		for _, f := range in.Body.Fields {
			fields = append(fields, casebook.FormField{ID: f.ID, Value: f.Value, Secret: f.Secret})
		}
		_, err := s.desk.EditReport(ctx, who, id, fields)
		return err
	})
}

func (s *server) postFiling(ctx context.Context, in *postFiling) (*object[wholeFiling], error) {
	return s.onReport(ctx, &in.OneReport, in.Body.Acting, func(who casebook.Actor, id casebook.ID) error {
		b := in.Body
		_, err := s.desk.FileReport(ctx, who, id, desk.Filing{Channel: b.Channel, FiledAt: b.FiledAt, To: b.To, Proof: b.Proof, Reference: b.Reference, LateReason: b.LateReason, Corrects: b.Corrects})
		return err
	})
}

func (s *server) postReceipt(ctx context.Context, in *postReceipt) (*object[addressee], error) {
	who, err := in.Body.person(in.x)
	if err != nil {
		return nil, err
	}
	id, err := casebook.ParseID(casebook.RecipientPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.desk.Reader(in.x.caller.scope).SeesRecipient(ctx, id); err != nil {
		return nil, err
	}
	r, err := s.desk.Acknowledge(ctx, who, id, desk.Receipt{Fact: in.Body.Fact, At: in.Body.At, Reference: in.Body.Reference, Proof: in.Body.Proof})
	return &object[addressee]{viewAddressee(r)}, err
}
