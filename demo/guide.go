package demo

import (
	"cmp"
	"fmt"
	"slices"

	"tocsin/casebook"
	"tocsin/web"
)

// Steer implements web.Guide.
func (p *player) Steer(order string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch order {
	case "pause":
		p.paused = true
	case "go_on":
		p.paused = false
	case "step":
		p.step = true
	case "slower":
		p.pace = max(0, p.pace-1)
	case "faster":
		p.pace = min(len(paces)-1, p.pace+1)
	default:
		return fmt.Errorf("%.40q is nothing that a story can do: %w", order, casebook.ErrInvalid)
	}
	return nil
}

// Password implements web.Guide.
func (p *player) Password(account string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.country.staff[account]
	if one == nil || p.state == "settling" {
		return "", false // not yet hired
	}
	return one.password, true
}

// maxShown bounds how many letters and lines a scene has.
const maxShown = 60

// Scene implements web.Guide.
func (p *player) Scene(language string) web.Scene {
	w := wordsIn(language)
	p.mu.Lock()
	defer p.mu.Unlock()
	s := web.Scene{State: p.state, At: p.country.clock.Now(), Zone: zone, Pace: fmt.Sprintf("×%g", paces[p.pace]), Fault: p.fault}
	s.Speed, s.Until = p.country.clock.Speed()
	if s.State == "playing" && p.paused && !p.step {
		s.State = "paused"
	}
	for _, one := range people {
		s.Seats = append(s.Seats, one.seat(language))
	}
	for i, e := range slices.Backward(p.past) {
		if len(p.past)-i > maxShown {
			break
		}
		line := web.SceneLine{At: e.at, Text: w.say(e.act.name+".done", e.words...), Page: e.page, Who: p.seat(e.act.who, language)}
		if e.mine {
			line.Text += " " + w.say("by_you")
		}
		s.Past = append(s.Past, line)
	}
	letters := p.country.mail.Letters()
	for _, l := range letters[:min(maxShown, len(letters))] {
		s.Letters = append(s.Letters, web.SceneLetter(l))
	}
	name := s.State
	if len(p.acts) > 0 && (s.State == "playing" || s.State == "paused") {
		a := p.acts[p.now]
		name = a.name
		s.Number, s.Of, s.Who, s.Page = p.now+1, len(p.acts), p.seat(a.who, language), p.cast.page(a.page)
		if p.now+1 < len(p.acts) {
			s.Next = w.say(p.acts[p.now+1].name)
		}
	}
	if s.State == "ended" {
		s.Number, s.Of, s.Page = len(p.acts), len(p.acts), p.cast.page("incident")
	}
	figures := p.cast.told()
	s.Title, s.Law = w.say(name, figures...), w.maybe(name+".law", figures...)
	s.Text = w.paragraphs(name+".text", figures...)
	return s
}

func (p *player) seat(account, language string) web.Seat {
	if one := p.country.staff[account]; one != nil {
		return one.seat(language)
	}
	return web.Seat{}
}

func (p person) seat(language string) web.Seat {
	return web.Seat{Account: p.account, Name: p.given(language), Role: p.role, Party: cmp.Or(chineseParties[language][p.party], p.party)}
}
