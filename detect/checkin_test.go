package detect

import (
	"fmt"
	"testing"

	"tocsin/traffic"
)

func TestCheckin(t *testing.T) {
	type post struct {
		method, path, referrer string
		n                      int
		apart                  int64
	}
	ask := func(s *scene, h string, p post) {
		for i := range p.n {
			s.requests = append(s.requests, traffic.Request{At: morning + int64(i)*p.apart*second, Client: addr(h), Server: addr("198.51.100.9"), ServerPort: 80,
				Method: p.method, Host: "app.example.org", URI: p.path + fmt.Sprintf("?id=%d", i), Referrer: p.referrer})
		}
	}
	bench := &Bench{Clocks: clocksOf{clocks: map[string]string{"80/6": "a known reporter"}}}
	cases := []judged{
		{"a gate, for hours", func(s *scene, h string) { ask(s, h, post{"POST", "/gate.php", "", 60, 300}) }, Suspected},
		{"nineteen posts", func(s *scene, h string) { ask(s, h, post{"POST", "/gate.php", "", 19, 300}) }, None},
		{"within half an hour", func(s *scene, h string) { ask(s, h, post{"POST", "/gate.php", "", 60, 20}) }, None},
		{"from a page", func(s *scene, h string) { ask(s, h, post{"POST", "/gate.php", "http://app.example.org/", 60, 300}) }, None},
		{"a reporter that posts to no script", func(s *scene, h string) { ask(s, h, post{"POST", "/livegrid", "", 60, 300}) }, None},
		{"a script that is read", func(s *scene, h string) { ask(s, h, post{"GET", "/news.php", "", 60, 300}) }, None},
		{"a site that is used otherwise too", func(s *scene, h string) {
			ask(s, h, post{"POST", "/gate.php", "", 60, 300})
			for i := range 20 {
				ask(s, h, post{"GET", fmt.Sprintf("/page%d", i), "", 1, 1})
			}
		}, None},
	}
	judgeAll(t, "checkin", &Bench{}, cases)
	judgeAll(t, "checkin", bench, []judged{{"a known reporter", cases[0].lay, Weak}})
}
