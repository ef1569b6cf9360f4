package account

import (
	"encoding/json"
	"errors"

	"github.com/hatrac/hatrac/acl"
)

// described is a client or an attribute as sister services write it: an object, or in old data
// its id alone.
type described struct {
	ID          string          `json:"id"`
	DisplayName string          `json:"display_name"`
	FullName    string          `json:"full_name"`
	Email       string          `json:"email"`
	Identities  json.RawMessage `json:"identities"`
}

func describe(text json.RawMessage) (d described, err error) {
	if err := json.Unmarshal(text, &d.ID); err == nil {
		return d, nil
	}
	err = json.Unmarshal(text, &d)
	return d, err
}

// ParseSession returns the session of a client with its attributes, both in JSON as sister
// services write them; nil if there is no client in it. Attributes that are not understood grant
// nothing.
func ParseSession(client json.RawMessage, attributes []json.RawMessage) (*Session, error) {
	if len(client) == 0 {
		return nil, nil
	}
	who, err := describe(client)
	if err != nil {
		return nil, errors.New("the client of a session is not understood")
	}
	if who.ID == "" {
		return nil, nil
	}
	s := &Session{
		Client:   acl.Client{ID: who.ID, DisplayName: who.DisplayName},
		FullName: who.FullName, Email: who.Email, RoleNames: make(map[string]string),
	}
	if string(who.Identities) != "null" {
		s.Identities = who.Identities
	}
	for _, text := range attributes {
		role, err := describe(text)
		if err != nil || role.ID == "" {
			continue
		}
		s.Client.Roles = append(s.Client.Roles, role.ID)
		if role.DisplayName != "" {
			s.RoleNames[role.ID] = role.DisplayName
		}
	}
	return s, nil
}
