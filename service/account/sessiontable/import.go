package sessiontable

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/service/account"
)

// prepareImport writes the statements that read accounts.
func (s *Sessions) prepareImport(in func(string) string) {
	s.users = in(`
SELECT u.id, coalesce(p.pwhash, ''), coalesce(p.salthex, ''), coalesce(p.reps, 0)
FROM SCHEMA."user" AS u LEFT JOIN SCHEMA.password AS p USING (uid)
WHERE u.id IS NOT NULL ORDER BY u.id COLLATE "C"`)
	// A user has the attributes that are assigned, and the parents of what the user has, where
	// the user's own name is an attribute too.
	s.roles = in(`
WITH RECURSIVE held (id, aid) AS (
	SELECT id, aid FROM SCHEMA.userattribute
	UNION SELECT u.id, a.aid FROM SCHEMA."user" AS u JOIN SCHEMA.attribute AS a ON a.attribute = u.id
	UNION SELECT held.id, n.parent FROM held JOIN SCHEMA.nestedattribute AS n ON n.child = held.aid
)
SELECT held.id, a.attribute FROM held JOIN SCHEMA.attribute AS a USING (aid)
WHERE held.id IS NOT NULL AND a.attribute IS NOT NULL AND a.attribute <> held.id
ORDER BY held.id COLLATE "C", a.attribute COLLATE "C"`)
}

// Users returns the accounts of the sister service, by name, with all their roles.
func (s *Sessions) Users(ctx context.Context) ([]account.Imported, error) {
	const doing = "read the accounts of the session tables"
	roles, err := s.rolesOf(ctx)
	if err != nil {
		return nil, failed(doing, err)
	}
	rows, err := s.pool.Query(ctx, s.users)
	if err != nil {
		return nil, failed(doing, err)
	}
	users, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u account.Imported, err error) {
		err = row.Scan(&u.Name, &u.Hash, &u.Salt, &u.Rounds)
		u.Roles = roles[u.Name]
		return u, err
	})
	if err != nil {
		return nil, failed(doing, err)
	}
	return users, nil
}

func (s *Sessions) rolesOf(ctx context.Context) (map[string][]string, error) {
	rows, err := s.pool.Query(ctx, s.roles)
	if err != nil {
		return nil, err
	}
	roles := make(map[string][]string)
	var user, role string
	_, err = pgx.ForEachRow(rows, []any{&user, &role}, func() error {
		roles[user] = append(roles[user], role)
		return nil
	})
	return roles, err
}
