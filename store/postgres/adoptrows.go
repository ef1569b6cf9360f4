package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/store"
)

// functions makes the functions that live as long as the connection. They are slow, so segment and
// present call them only where something has to be done.
func (a *adoption) functions(ctx context.Context) error {
	_, err := a.exec(ctx, `
CREATE FUNCTION pg_temp.segment(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN t COLLATE "C" ~ '^[-._~A-Za-z0-9]*$' THEN t ELSE (
		SELECT string_agg(CASE
			WHEN get_byte(b, i) < 128 AND chr(greatest(get_byte(b, i), 1)) COLLATE "C" ~ '[-._~A-Za-z0-9]' THEN chr(get_byte(b, i))
			ELSE '%' || upper(lpad(to_hex(get_byte(b, i)), 2, '0')) END, '' ORDER BY i)
		FROM convert_to(t, 'UTF8') AS b, generate_series(0, octet_length(b) - 1) AS i
	) END
$$;
CREATE FUNCTION pg_temp.digest(t text, bytes int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN t ~ '^(\\x)?[0-9a-fA-F]+$' AND length(replace(t, '\x', '')) = 2 * bytes THEN lower(replace(t, '\x', ''))
		WHEN t ~ '^[A-Za-z0-9+/]+=*$' AND length(t) = (bytes + 2) / 3 * 4 AND length(replace(t, '=', '')) = (bytes * 4 + 2) / 3
			THEN encode(decode(t, 'base64'), 'hex')
	END
$$;
CREATE FUNCTION pg_temp.metadata(m jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN jsonb_typeof(m) = 'object' THEN jsonb_strip_nulls(
		m || jsonb_build_object(
			'content-md5', pg_temp.digest(m ->> 'content-md5', 16), 'content-sha256', pg_temp.digest(m ->> 'content-sha256', 32)))
	END
$$`)
	return err
}

// segment is the encoded form of a text (see store.EncodeSegment).
func segment(text string) string {
	return `CASE WHEN ` + text + ` COLLATE "C" ~ '^[-._~A-Za-z0-9]*$' THEN ` + text + ` ELSE pg_temp.segment(` + text + `) END`
}

// isPresent is the condition that metadata have their present form.
func isPresent(metadata string) string {
	return `(` + metadata + ` IS NULL OR jsonb_typeof(` + metadata + `) = 'object'
		AND coalesce(` + metadata + ` ->> 'content-md5' ~ '^[0-9a-f]{32}$', true)
		AND coalesce(` + metadata + ` ->> 'content-sha256' ~ '^[0-9a-f]{64}$', true))`
}

// present are metadata in their present form.
func present(metadata string) string {
	return `CASE WHEN ` + isPresent(metadata) + ` THEN ` + metadata + ` ELSE pg_temp.metadata(` + metadata + `) END`
}

// metadata is the metadata of a row of the table that is called t, as it is stored there.
func (a *adoption) metadata(table, t string) string {
	said := "NULL::jsonb"
	if a.had[table+".metadata"] {
		said = t + ".metadata"
	}
	old := ""
	for _, field := range []struct{ column, key string }{{"content_type", "content-type"}, {"content_md5", "content-md5"}} {
		if a.had[table+"."+field.column] {
			old += `, '` + field.key + `', ` + t + `.` + field.column + `::text`
		}
	}
	if old == "" {
		return said
	}
	return `coalesce(` + said + `, jsonb_strip_nulls(jsonb_build_object(` + old[2:] + `)))`
}

// aux is the column of that name of the version v, if there is one.
func (a *adoption) aux() string {
	if a.had["version.aux"] {
		return "v.aux"
	}
	return "NULL::json"
}

// isLive is the condition that a version v of the name n can be asked for.
const isLive = `(NOT v.is_deleted AND v.version IS NOT NULL AND NOT n.is_deleted)`

// count counts what there is.
func (a *adoption) count(ctx context.Context) error {
	f, aux := a.found, a.aux()
	err := a.tx.QueryRow(ctx, `
SELECT count(*) FILTER (WHERE NOT is_deleted), count(*) FILTER (WHERE is_deleted), NOT coalesce(bool_or(name = '/'), false),
	(SELECT count(*) FROM adopted_name)
FROM `+effective+` AS e`).Scan(&f.Names, &f.DeletedNames, &f.NoRoot, &f.Renamed)
	if err != nil {
		return err
	}
	metadata := a.metadata("version", "v")
	err = a.tx.QueryRow(ctx, `
SELECT count(*) FILTER (WHERE live), count(*) FILTER (WHERE NOT live AND version IS NOT NULL),
	count(*) FILTER (WHERE live AND forwards), count(*) FILTER (WHERE live AND url AND NOT forwards),
	count(*) FILTER (WHERE version IS NULL),
	count(*) FILTER (WHERE live AND said ->> 'content-md5' IS NOT NULL AND kept ->> 'content-md5' IS NULL)
	+ count(*) FILTER (WHERE live AND said ->> 'content-sha256' IS NOT NULL AND kept ->> 'content-sha256' IS NULL)
FROM (
	SELECT `+isLive+` AS live, v.version, `+aux+` ->> 'rename_to' IS NOT NULL AS forwards, `+aux+` ->> 'url' IS NOT NULL AS url,
		`+metadata+` AS said, `+present(metadata)+` AS kept
	FROM version AS v JOIN name AS n ON n.id = v.nameid
) AS v`).Scan(&f.Versions, &f.DeletedVersions, &f.Forwards, &f.URLs, &f.Unstored, &f.Digests)
	if err != nil || !a.has("upload") {
		return err
	}
	return a.tx.QueryRow(ctx, `SELECT count(*) FROM upload`).Scan(&f.Jobs)
}

// versions says of each version where its content is, in the words of its name as stored, and
// brings its metadata into their present form. What was never received, and what was left under
// a deleted name, counts as deleted; of what is deleted the content is gone. Where the name is
// going to change, aux tells the stored one, by which the original server finds the content too.
func (a *adoption) versions(ctx context.Context) error {
	aux, metadata := a.aux(), a.metadata("version", "v")
	return a.inRanges(ctx, "version", "versions", `
UPDATE version AS v SET
	is_deleted = NOT `+isLive+`,
	metadata = `+present(metadata)+`,
	aux = CASE WHEN c.id IS NULL OR `+aux+` ->> 'hname' IS NOT NULL THEN `+aux+` ELSE (
		CASE WHEN json_typeof(`+aux+`) = 'object' THEN `+aux+`::jsonb ELSE '{}' END || jsonb_build_object('hname', n.name))::json END,
	address = CASE WHEN `+isLive+` AND `+aux+` ->> 'rename_to' IS NULL AND `+aux+` ->> 'url' IS NULL THEN
		coalesce(nullif(`+aux+` ->> 'hname', ''), n.name) || ':' || `+segment(`coalesce(nullif(`+aux+` ->> 'hversion', ''), v.version)`)+`
		|| CASE WHEN nullif(`+aux+` ->> 'version', '') IS NULL THEN '' ELSE ';' || `+segment(`(`+aux+` ->> 'version')`)+` END
	END
FROM name AS n LEFT JOIN adopted_name AS c ON c.id = n.id
WHERE n.id = v.nameid AND v.id > $1 AND v.id <= $2`)
}

// current notes which version of each object is the newest.
func (a *adoption) current(ctx context.Context) error {
	return a.inRanges(ctx, "name", "names", `
UPDATE name AS n SET changes = 0, current_version = `+currentOf+`
WHERE n.id > $1 AND n.id <= $2`)
}

// inRanges executes a statement for one range of ids after the other, $1 excluded, $2 included.
func (a *adoption) inRanges(ctx context.Context, table, doing, sql string) error {
	var done, total int64
	if err := a.tx.QueryRow(ctx, `SELECT count(*) FROM `+table).Scan(&total); err != nil {
		return err
	}
	for low := int64(-1); ; {
		var high *int64
		err := a.tx.QueryRow(ctx, `
SELECT max(id) FROM (SELECT id FROM `+table+` WHERE id > $1 ORDER BY id LIMIT $2) AS r`, low, adoptBatch).Scan(&high)
		if err != nil || high == nil {
			return err
		}
		if _, err := a.exec(ctx, sql, low, *high); err != nil {
			return err
		}
		low = *high
		done = min(done+adoptBatch, total)
		a.tell(doing, done, total)
	}
}

// forwards lets versions that were renamed forward to canonical names.
func (a *adoption) forwards(ctx context.Context) error {
	bare := asTyped()
	for last := int64(-1); ; {
		rows, err := a.tx.Query(ctx, `
SELECT v.id, v.aux -> 'rename_to' ->> 0, v.is_deleted FROM version AS v
WHERE v.id > $1 AND v.aux ->> 'rename_to' IS NOT NULL AND json_typeof(v.aux -> 'rename_to') = 'array'
	AND NOT `+isCanonical("(v.aux -> 'rename_to' ->> 0)")+`
ORDER BY v.id LIMIT $2`, last, adoptBatch)
		if err != nil {
			return err
		}
		page, err := pgx.CollectRows(rows, pgx.RowToStructByPos[storedName])
		if err != nil {
			return err
		}
		var ids []int64
		var paths []string
		for _, target := range page {
			last = target.ID
			// What cannot be a name leads nowhere, as it did before.
			if path, err := store.ParsePath(target.Name, bare); err == nil {
				ids, paths = append(ids, target.ID), append(paths, string(path))
			}
		}
		if _, err := a.exec(ctx, `
UPDATE version AS v SET aux = jsonb_set(v.aux::jsonb, '{rename_to,0}', to_jsonb(c.path))::json
FROM unnest($1::int8[], $2::text[]) AS c (id, path) WHERE v.id = c.id`, ids, paths); err != nil {
			return err
		}
		if len(page) < adoptBatch {
			return nil
		}
	}
}

// jobs says of each upload where it is assembled. They count as active now, since nobody knows
// when they were heard of last.
func (a *adoption) jobs(ctx context.Context) error {
	address := a.opts.UploadAddress
	if address == nil {
		address = func(name, job string) (store.Address, error) {
			return store.Origin{Name: name, Version: job}.Address(), nil
		}
	}
	rows, err := a.tx.Query(ctx, `SELECT u.id, n.name, u.job FROM upload AS u JOIN name AS n ON n.id = u.nameid`)
	if err != nil {
		return err
	}
	var ids []int64
	var addresses []string
	var id int64
	var name, job string
	if _, err := pgx.ForEachRow(rows, []any{&id, &name, &job}, func() error {
		at, err := address(name, job)
		ids, addresses = append(ids, id), append(addresses, string(at))
		return err
	}); err != nil {
		return err
	}
	_, err = a.exec(ctx, `
UPDATE upload AS u SET address = c.address, active_on = now(), metadata = `+present(a.metadata("upload", "u"))+`
FROM unnest($1::int8[], $2::text[]) AS c (id, address) WHERE u.id = c.id`, ids, addresses)
	return err
}
