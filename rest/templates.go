package rest

import (
	"encoding/json"
	"fmt"
	"html"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// anyStatus is the key of the templates for errors that have none of their own.
const anyStatus = "default"

// errorTemplates are texts of errors that the configuration gives, by status, or 0 for every
// other, and media type.
type errorTemplates struct {
	texts map[int]map[string]errorTemplate
}

// errorTemplate is a text in which every second piece is the name of a value.
type errorTemplate []string

func parseErrorTemplates(texts map[string]map[string]string) (*errorTemplates, error) {
	all := &errorTemplates{texts: make(map[int]map[string]errorTemplate)}
	for key, byType := range texts {
		status, err := templateStatus(key)
		if err != nil {
			return nil, err
		}
		all.texts[status] = make(map[string]errorTemplate, len(byType))
		for name, text := range byType {
			mediaType, _, err := mime.ParseMediaType(name)
			if err != nil || !strings.Contains(mediaType, "/") {
				return nil, fmt.Errorf("error template %s: %q is not a content type", key, name)
			}
			if all.texts[status][mediaType], err = parseErrorTemplate(text); err != nil {
				return nil, fmt.Errorf("error template %s for %s: %w", key, mediaType, err)
			}
		}
	}
	return all, nil
}

func templateStatus(key string) (int, error) {
	if key == anyStatus {
		return 0, nil
	}
	status, err := strconv.Atoi(key)
	if err != nil || status < 400 || http.StatusText(status) == "" {
		return 0, fmt.Errorf("error template %q is neither for the status of an error nor for %q", key, anyStatus)
	}
	return status, nil
}

// parseErrorTemplate cuts a text at its values. A percent sign that begins none means itself.
func parseErrorTemplate(text string) (errorTemplate, error) {
	pieces := errorTemplate{""}
	for {
		before, after, found := strings.Cut(text, "%")
		pieces[len(pieces)-1] += before
		switch {
		case !found:
			return pieces, nil
		case strings.HasPrefix(after, "%"):
			pieces[len(pieces)-1] += "%"
			text = after[1:]
		case strings.HasPrefix(after, "("):
			name, rest, ok := strings.Cut(after[1:], ")s")
			if !ok || !slices.Contains([]string{"code", "title", "description", "message"}, name) {
				return nil, fmt.Errorf("%%(%.20s is not one of the values", after[1:])
			}
			pieces = append(pieces, name, "")
			text = rest
		default:
			pieces[len(pieces)-1] += "%"
			text = after
		}
	}
}

// find returns the template for an error in a media type, or nil.
func (all *errorTemplates) find(status int, mediaType string) errorTemplate {
	if own, ok := all.texts[status][mediaType]; ok {
		return own
	}
	return all.texts[0][mediaType]
}

// offers are the media types in which an error can be told: those that every error has, and then
// those of templates.
func (all *errorTemplates) offers(status int) []string {
	var more []string
	builtIn := []string{typePlain, typeHTML, typeProblem}
	for _, texts := range []map[string]errorTemplate{all.texts[status], all.texts[0]} {
		for mediaType := range texts {
			if !slices.Contains(builtIn, mediaType) {
				more = append(more, mediaType)
			}
		}
	}
	slices.Sort(more)
	return append(builtIn, slices.Compact(more)...)
}

// render fills in the values, so that they mean themselves in the media type.
func (t errorTemplate) render(p problem, mediaType string) []byte {
	quote := func(s string) string { return s }
	switch {
	case mediaType == typeHTML:
		quote = html.EscapeString
	case mediaType == typeJSON, strings.HasSuffix(mediaType, "+json"):
		quote = quoteJSON
	}
	values := map[string]string{
		"code":        strconv.Itoa(p.Status),
		"title":       quote(p.Title),
		"description": quote(p.Detail),
		"message":     quote(p.message()),
	}
	var b strings.Builder
	for i, piece := range t {
		if i%2 == 1 {
			piece = values[piece]
		}
		b.WriteString(piece)
	}
	return []byte(b.String())
}

// quoteJSON returns a text as it stands between the quotes of a JSON string.
func quoteJSON(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(quoted[1 : len(quoted)-1])
}
