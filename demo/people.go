package demo

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// A party of the country, as the platform is told of it.
type party struct {
	Name   string   `json:"name"`
	Roles  []string `json:"roles"`
	Region string   `json:"region"`
	Own    bool     `json:"own,omitempty"`
	mail   []string // what it is reached for: reports, orders; at duty@ its domain
	domain string
}

// The parties of the country.
const (
	bureau, centre       = "Example Bureau", "Example Centre"
	northern, southern   = "Northern Province Office", "Southern Province Office"
	north, east, south   = "North Telecom", "East Mobile", "South Broadband"
	harbour, lantern     = "Harbour Hosting", "Lantern Registrar"
	dutyDesk             = "duty@centre.example"
	administrator, chief = "he.jun", "sun.yue"
)

var parties = []party{
	{Name: bureau, Roles: []string{"authority"}, Region: "CN", Own: true, domain: "bureau.example", mail: []string{"reports"}},
	{Name: centre, Roles: []string{"centre"}, Region: "CN", Own: true, domain: "centre.example", mail: []string{"reports", "duty"}},
	{Name: northern, Roles: []string{"provincial_authority"}, Region: "CN-11", domain: "northern.example", mail: []string{"reports"}},
	{Name: southern, Roles: []string{"provincial_authority"}, Region: "CN-44", domain: "southern.example", mail: []string{"reports"}},
	{Name: north, Roles: []string{"telecom_operator"}, Region: "CN-11", domain: "north.example", mail: []string{"orders"}},
	{Name: east, Roles: []string{"telecom_operator"}, Region: "CN-31", domain: "east.example", mail: []string{"orders"}},
	{Name: south, Roles: []string{"telecom_operator"}, Region: "CN-44", domain: "south.example", mail: []string{"orders"}},
	{Name: harbour, Roles: []string{"hosting"}, Region: "CN-31", domain: "harbour.example", mail: []string{"orders"}},
	{Name: lantern, Roles: []string{"registrar"}, Region: "CN-11", domain: "lantern.example", mail: []string{"orders"}},
}

// person is somebody with an account. Whoever looks on can sit down at their desk.
type person struct {
	account  string
	role     string
	party    string // for whom they work
	password string
	client   *client // acts as them, once there is a key
}

// people are listed in the order of the desks that are offered.
var people = []person{
	{account: "wang.min", role: "officer", party: centre},
	{account: "li.na", role: "supervisor", party: centre},
	{account: "zhao.lei", role: "officer", party: bureau},
	{account: chief, role: "supervisor", party: bureau},
	{account: "zhou.ling", role: "analyst", party: northern},
	{account: "chen.bo", role: "abuse_desk", party: north},
	{account: "gao.jie", role: "abuse_desk", party: east},
	{account: "luo.qi", role: "abuse_desk", party: south},
	{account: "ma.lin", role: "abuse_desk", party: harbour},
	{account: "tang.yi", role: "abuse_desk", party: lantern},
	{account: "qian.wei", role: "auditor", party: centre},
	{account: administrator, role: "administrator", party: centre},
}

// settle makes the country as somebody would who runs a platform: by the link that
// makes the first account, and from then on as its administrator.
func (n *Country) settle(ctx context.Context) error {
	admin, err := n.firstAccount(ctx)
	if err != nil {
		return err
	}
	ids := map[string]string{}
	for _, p := range parties {
		var made struct{ ID string }
		if err := admin.post(ctx, "/api/v1/parties", p, &made); err != nil {
			return err
		}
		ids[p.Name] = made.ID
		for _, what := range p.mail {
			if err := admin.post(ctx, "/api/v1/parties/"+made.ID+"/contacts", map[string]any{"for": what, "target": "mailto:duty@" + p.domain}, nil); err != nil {
				return err
			}
		}
	}
	if err := admin.send(ctx, "/api/v1/holdings/imports?name=holdings.csv&source=country", holdingsAsListed, nil); err != nil {
		return err
	}
	for _, one := range people {
		if err := n.hire(ctx, admin, n.staff[one.account], ids); err != nil {
			return err
		}
	}
	n.player.cast.parties = ids
	n.machine, err = n.key(ctx, admin, map[string]any{"name": "feeds", "scopes": []string{"deliver"}})
	return err
}

// firstAccount makes the administrator by the set-up link, signs in by the form, and
// gives a client with the session.
func (n *Country) firstAccount(ctx context.Context) (*client, error) {
	he := n.staff[administrator]
	form := url.Values{"token": {n.token}, "name": {he.account}, "password": {he.password}, "again": {he.password}}
	c := newClient(n.base, "")
	if _, err := c.form(ctx, "/setup", form); err != nil {
		return nil, err
	}
	cookies, err := c.form(ctx, "/signin", form)
	c.cookies = cookies
	return c, err
}

// hire makes an account and a key that acts as its person.
func (n *Country) hire(ctx context.Context, admin *client, one *person, ids map[string]string) (err error) {
	body := map[string]any{"name": one.account, "password": one.password, "roles": []string{one.role}}
	if one.role == "abuse_desk" {
		body["party"] = ids[one.party]
	}
	if one.account != administrator {
		if err := admin.post(ctx, "/api/v1/users", body, nil); err != nil {
			return err
		}
	}
	one.client, err = n.key(ctx, admin, map[string]any{"name": "desk of " + one.account, "user": one.account})
	return err
}

// key makes a key, and a client that uses it.
func (n *Country) key(ctx context.Context, admin *client, body map[string]any) (*client, error) {
	var made struct{ Secret string }
	err := admin.post(ctx, "/api/v1/keys", body, &made)
	return newClient(n.base, made.Secret), err
}

// given is a person's name as it is written in each language.
func (p person) given(language string) string {
	if name := chineseNames[p.account]; language == "zh" && name != "" {
		return name
	}
	words := strings.Split(p.account, ".")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

var chineseNames = map[string]string{"wang.min": "王敏", "li.na": "李娜", "zhao.lei": "赵磊", chief: "孙悦", "zhou.ling": "周玲", "chen.bo": "陈波", "gao.jie": "高洁",
	"luo.qi": "罗琦", "ma.lin": "马琳", "tang.yi": "唐毅", "qian.wei": "钱伟", administrator: "何军"}

// noRedirect keeps an answer that leads elsewhere as it is.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

var chineseParties = map[string]map[string]string{"zh": {bureau: "示例主管局", centre: "示例应急中心", northern: "北方省管理局", southern: "南方省管理局",
	north: "北方电信", east: "东部移动", south: "南方宽带", harbour: "港湾数据中心", lantern: "灯笼域名注册"}}
