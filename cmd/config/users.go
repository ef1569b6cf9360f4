package config

import (
	"maps"
	"slices"
)

// MapUsers says who the users of a machine are in a mount of many.
type MapUsers struct {
	// Users are the clients by the names or numbers of users.
	Users map[string]string
	// Groups are the roles of a group's members by its name or number.
	Groups map[string][]string
}

// mapUsers returns who the users of a machine are.
func (c *checker) mapUsers() MapUsers {
	var m MapUsers
	if len(c.userTable) > 0 {
		m.Users = make(map[string]string)
	}
	if len(c.groupTable) > 0 {
		m.Groups = make(map[string][]string)
	}
	for _, user := range slices.Sorted(maps.Keys(c.userTable)) {
		client, ok := c.userTable[user].(string)
		if !ok || client == "" {
			c.report.errorf("map_users.users must have the name of a client for %q", user)
		}
		m.Users[user] = client
	}
	for _, group := range slices.Sorted(maps.Keys(c.groupTable)) {
		roles, ok := texts(c.groupTable[group])
		if !ok || slices.Contains(roles, "") {
			c.report.errorf("map_users.groups must have a role, or a list of roles, for %q", group)
		}
		m.Groups[group] = roles
	}
	return m
}
