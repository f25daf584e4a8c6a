package courier

import (
	"encoding/json"
	"fmt"
	"time"

	"tocsin/casebook"
)

// envelope is the JSON that webhooks and commands are given.
type envelope struct {
	ID       string          `json:"id"`
	Kind     string          `json:"kind"`
	At       string          `json:"created_at"`
	Urgency  string          `json:"urgency"`
	Language string          `json:"language"`
	Subject  string          `json:"subject"`
	Text     string          `json:"text"`
	Body     json.RawMessage `json:"body"`
}

// envelop writes a message as one line of JSON, the same at every attempt.
func envelop(m Message) ([]byte, error) {
	body, err := json.Marshal(m.Body)
	if err != nil {
		return nil, fmt.Errorf("message %s: body: %v: %w", m.ID, err, casebook.ErrInvalid)
	}
	if len(body) > MaxBody {
		return nil, fmt.Errorf("message %s: %d octets of body, over %d: %w", m.ID, len(body), MaxBody, casebook.ErrTooLarge)
	}
	text, err := json.Marshal(envelope{ID: m.ID, Kind: m.Kind, At: m.At.UTC().Format(time.RFC3339Nano), Urgency: m.Urgency.String(),
		Language: m.Language, Subject: m.Subject, Text: m.Text, Body: body})
	return text, err
}
