package report

import (
	"strings"

	"tocsin/casebook"
)

// NotYetKnown is the value of a field to which the honest answer is that nobody
// knows yet. It answers the field, and Check says that it must be supplemented.
const NotYetKnown = "not yet known"

// notYetKnown are the ways in which people write it.
var notYetKnown = []string{NotYetKnown, "unknown", "not known", "尚不清楚", "不详", "未知"}

// kind of a field: what every form has, and what a stage may ask for on top.
type kindOf struct {
	id    string
	label Words
	// base: it stands in every form, in the order of this table (the form of the
	// Chinese mechanism of 2011 on mobile malware, which the earlier ones share).
	base bool
	// need: a filing without it says nothing, whatever the stage.
	need bool
	// phrases by which the content of a pack asks for it, in small letters.
	phrases []string
}

// kinds are the fields that we know. What a pack asks for in words that none of them
// has becomes a field of its own.
var kinds = []kindOf{
	{id: "to", label: Words{"To", "主送"}, base: true, need: true},
	{id: "copy_to", label: Words{"Copy to", "抄送"}, base: true},
	{id: "unit", label: Words{"Reporting organisation", "报送单位"}, base: true, need: true,
		phrases: []string{"unit", "organisation", "organization", "entity", "reporter", "单位"}},
	{id: "filler", label: Words{"Filled in by", "填报人"}, base: true, need: true,
		phrases: []string{"contact", "department", "responsible person", "filler", "联系人", "填报人"}},
	{id: "phone", label: Words{"Telephone", "联系电话"}, base: true, need: true,
		phrases: []string{"contact", "phone", "telephone", "电话"}},
	{id: "occurred", label: Words{"Time of occurrence", "发生时间"}, base: true,
		phrases: []string{"time", "date", "moment", "when", "timing", "time of occurrence", "时间"}},
	{id: "reported", label: Words{"Time of report", "报告时间"}, base: true, need: true},
	{id: "name", label: Words{"Name of the incident", "事件名称"}, base: true, need: true,
		phrases: []string{"name", "title", "名称"}},
	{id: "description", label: Words{"Brief description", "事件简述"}, base: true, need: true,
		phrases: []string{"description", "basic facts", "summary", "nature", "简述", "基本情况", "描述"}},
	{id: "kind", label: Words{"Kind of incident", "事件类型"},
		phrases: []string{"kind", "type", "kind of threat", "category", "nature", "类型"}},
	{id: "grade", label: Words{"Grade", "事件级别"},
		phrases: []string{"grade", "grading", "severity", "level", "级别", "定级"}},
	{id: "place", label: Words{"Place", "发生地点"},
		phrases: []string{"place", "location", "geographical area", "where it happened", "region", "地点", "地域"}},
	{id: "controllers", label: Words{"Controllers: address or domain, and port", "控制端（IP地址、域名、端口）"}, base: true,
		phrases: []string{"indicators of compromise", "indicators", "controller", "controllers", "c2", "leads for tracing", "控制端", "溯源", "威胁指标"}},
	{id: "distributors", label: Words{"Distributors: address or domain, and port", "传播源（IP地址、域名、端口）"}, base: true,
		phrases: []string{"spreading server", "distributor", "传播源", "传播服务器"}},
	{id: "infected", label: Words{"Number infected", "感染数量"}, base: true,
		phrases: []string{"number of users", "number of users affected", "number infected", "users affected", "affected users", "number affected", "scope", "extent", "extent to which", "感染数量", "用户数", "范围"}},
	{id: "behaviour", label: Words{"Behaviour", "恶意行为"}, base: true,
		phrases: []string{"behaviour", "behavior", "activity", "attack method", "恶意行为", "行为"}},
	{id: "harm", label: Words{"Harm and impact", "危害与影响"}, base: true,
		phrases: []string{"harm", "impact", "damage", "effect on", "consequences", "影响", "危害", "损失"}},
	{id: "duration", label: Words{"Duration", "持续时间"},
		phrases: []string{"duration", "how long", "持续时间"}},
	{id: "cause", label: Words{"Cause", "事件原因"},
		phrases: []string{"cause", "root cause", "causes", "原因"}},
	{id: "malicious", label: Words{"Is an unlawful or malicious act suspected?", "是否疑似违法或恶意行为"},
		phrases: []string{"unlawful", "malicious act", "unlawful or malicious", "malicious", "违法"}},
	{id: "cross_border", label: Words{"Could it have effect across borders?", "是否可能产生跨境影响"},
		phrases: []string{"cross-border", "cross border", "across borders", "跨境"}},
	{id: "trend", label: Words{"Trend and possible further harm", "发展趋势与可能的危害"},
		phrases: []string{"trend", "further harm", "趋势"}},
	{id: "tracing", label: Words{"Leads for tracing", "溯源线索"},
		phrases: []string{"tracing", "leads", "attacker", "attack path", "溯源", "线索"}},
	{id: "ransom", label: Words{"Demand: amount, way and date", "勒索：金额、方式、日期"},
		phrases: []string{"ransomware", "ransom", "extortion", "demand", "勒索"}},
	{id: "measures", label: Words{"Measures taken", "已采取措施"}, base: true,
		phrases: []string{"measures", "measure", "response", "mitigation", "remedial", "remedy", "emergency measures", "action taken", "措施", "处置"}},
	{id: "proposals", label: Words{"Proposals", "处置建议"}, base: true,
		phrases: []string{"proposal", "proposals", "suggestion", "suggestions", "further measures", "support asked for", "support requested", "建议", "支持"}},
	{id: "scene", label: Words{"How the scene is kept", "现场保护情况"},
		phrases: []string{"scene", "preservation", "evidence kept", "现场"}},
	{id: "liability", label: Words{"Liability", "责任认定"},
		phrases: []string{"liability", "responsibility", "责任"}},
	{id: "rectification", label: Words{"Rectification", "整改情况"},
		phrases: []string{"rectification", "corrective", "整改"}},
	{id: "lessons", label: Words{"Lessons", "经验教训"},
		phrases: []string{"lessons", "lesson", "教训"}},
	{id: "status", label: Words{"Updates since the last report", "进展情况"},
		phrases: []string{"update", "updates", "status updates", "relevant updates", "progress", "进展", "更新"}},
	{id: "remarks", label: Words{"Remarks", "备注"}, base: true,
		phrases: []string{"other", "remarks", "其他", "备注"}},
}

func kindByID(id string) (kindOf, bool) {
	for _, k := range kinds {
		if k.id == id {
			return k, true
		}
	}
	return kindOf{}, false
}

// Field is one field of a form.
type Field struct {
	ID    string `json:"id"`
	Label Words  `json:"label"`
	Value string `json:"value"`
	// From says where the value came from: "fact:controlled_addresses_unique_24h",
	// "finding:fnd_…", "anchor:anc_…", "person:alice"; "" where there is none.
	From string `json:"from,omitempty"`
	// Required: the stage can't be filed without an answer.
	Required bool `json:"required"`
	// Later: the stage's content allows it to follow.
	Later bool `json:"later,omitempty"`
	// Asked holds the pack's own words for it, one a line, "" where only the form has
	// it.
	Asked  string `json:"asked,omitempty"`
	Secret bool   `json:"secret,omitempty"` // marked as a trade secret
	// Known is what is known now, where a person wrote something else; "" otherwise. It is
	// for who drafts, and no part of a filing.
	Known string `json:"-"`
}

// Asks gives the pack's own words for the field, one after the other.
func (f Field) Asks() []string {
	if f.Asked == "" {
		return nil
	}
	return strings.Split(f.Asked, "\n")
}

// Empty reports whether nothing is said in the field.
func (f Field) Empty() bool { return strings.TrimSpace(f.Value) == "" }

// Open reports whether the field says that the answer isn't known yet.
func (f Field) Open() bool {
	said := strings.ToLower(strings.TrimRight(strings.TrimSpace(f.Value), ".。"))
	for _, way := range notYetKnown {
		if said == way {
			return true
		}
	}
	return false
}

// frozen gives the field as a version of a report keeps it.
func (f Field) frozen() casebook.FormField {
	return casebook.FormField{ID: f.ID, Value: f.Value, From: f.From, Secret: f.Secret}
}
