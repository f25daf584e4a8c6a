package report

import "tocsin/casebook"

// The words of the vocabulary as people read them.
var categoryWords = map[casebook.Category]Words{
	casebook.OtherIncident:          {"Other incident", "其他事件"},
	casebook.TrojanIncident:         {"Trojan", "木马事件"},
	casebook.BotnetIncident:         {"Botnet", "僵尸网络事件"},
	casebook.NetworkFailureIncident: {"Network failure", "网络故障事件"},
	casebook.IntrusionIncident:      {"Intrusion", "网络入侵事件"},
	casebook.DefacementIncident:     {"Defacement", "网页篡改事件"},
	casebook.DataLeakIncident:       {"Data leak", "数据泄露事件"},
	casebook.DDoSIncident:           {"DDoS attack", "拒绝服务攻击事件"},
	casebook.ExtortionIncident:      {"Extortion", "勒索事件"},
}

var standingWords = map[casebook.Standing]Words{
	casebook.Proposed:      {"proposed by rule, not confirmed", "规则初判，未经确认"},
	casebook.ConfirmedHere: {"confirmed by the reporting party", "报送单位确认"},
	casebook.Reported:      {"as reported", "报告级别"},
	casebook.DeterminedBy:  {"determined by centre or authority", "主管部门或中心认定"},
}

var levelWords = map[string]Words{
	"extremely_serious":  {"extremely serious", "特别重大"},
	"serious":            {"serious", "重大"},
	"relatively_serious": {"relatively serious", "较大"},
	"general":            {"general", "一般"},
}

var roleWords = map[casebook.Role]Words{
	casebook.RoleOther:   {"other", "其他"},
	casebook.Controller:  {"controller", "控制端"},
	casebook.Bot:         {"bot", "受控端"},
	casebook.Distributor: {"distributor", "传播源"},
	casebook.Attacker:    {"attacker", "攻击源"},
	casebook.Exposed:     {"exposed", "暴露"},
	casebook.Compromised: {"compromised", "被入侵"},
	casebook.Victim:      {"victim", "受害"},
}

// confidenceWords say how surely a law's text is known.
var confidenceWords = map[string]Words{
	"text":    {"the text itself", "原文"},
	"summary": {"summaries", "摘要"},
	"memory":  {"memory; the text was not read", "记忆，未读到原文"},
	"draft":   {"a draft", "征求意见稿"},
	"unknown": {"no source", "未查到来源"},
}

// wordOf says a word of a vocabulary; one that it doesn't have is said as it stands.
func wordOf(words map[string]Words, word string, lang Lang) string {
	if w, ok := words[word]; ok {
		return w.In(lang)
	}
	return human(word)
}

var measureWords = map[string]Words{
	"clean":             {"remove the malicious program and close the way by which it came", "清除恶意程序并消除感染途径"},
	"suspend_domain":    {"suspend the name, so that it leads nowhere", "暂停域名解析"},
	"disconnect":        {"disconnect from the network", "断开网络连接"},
	"notify_user":       {"tell the user and have the user clean the machine", "通知用户并督促用户清除"},
	"block_address":     {"block traffic to and from the address", "阻断该地址的通信"},
	"preserve_evidence": {"preserve evidence", "保全证据"},
	"other":             {"as the text says", "按通知正文要求处置"},
}

type countWord struct {
	fact string
	says Words
}

// countWords are the facts that tell how many are affected, the surest first.
var countWords = []countWord{
	{"controlled_addresses_unique_24h", Words{"%s different addresses within 24 hours", "24小时内不同地址 %s 个"}},
	{"controlled_addresses_concurrent_1h", Words{"%s addresses within 1 hour", "1小时内 %s 个地址"}},
	{"users_offline", Words{"%s users offline", "%s 名用户断网"}},
	{"affected_users", Words{"%s users of the service", "影响 %s 名用户"}},
	{"affected_people", Words{"%s people affected", "影响 %s 人"}},
	{"persons_data", Words{"data of %s persons", "涉及 %s 人的数据"}},
}

// answerWords are the answers to an order: what is written in the CSV, what it means.
var answerWords = []struct {
	kind casebook.AnswerKind
	zh   string
	says Words
}{
	{casebook.AnswerDone, "已完成", Words{"what was asked is done", "已按要求完成处置"}},
	{casebook.AnswerInPart, "部分完成", Words{"done in part; say in the note what is left", "部分完成，请在备注说明剩余情况"}},
	{casebook.AnswerAlreadyClean, "已清除", Words{"it was clean before the order came", "收到通知前已清除"}},
	{casebook.AnswerNotOurs, "非我方", Words{"not in our network or not our customer; say whose if you know", "不属于我单位，如知归属请注明"}},
	{casebook.AnswerCannotIdentify, "无法定位", Words{"ours, but the user can't be told from port and time", "属于我单位，但依端口和时间无法定位用户"}},
	{casebook.AnswerUserTold, "已通知用户", Words{"the user was told and must act", "已通知用户，待用户处置"}},
	{casebook.AnswerNeedsLonger, "需延期", Words{"needs longer; give the moment in “until”", "需要更长时间，请填写“延期至”"}},
	{casebook.AnswerConflicts, "冲突", Words{"conflicts with another order or duty; say which", "与其他命令或义务冲突，请注明"}},
	{casebook.AnswerRefused, "拒绝", Words{"refused; say why", "拒绝执行，请说明理由"}},
	{casebook.AnswerAppealed, "已申诉", Words{"appealed; give the number of the appeal", "已提出申诉，请填写申诉编号"}},
}
