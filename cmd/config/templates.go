package config

import (
	"maps"
	"regexp"
	"slices"
)

// oldTemplate is a key at the top of old files that is a template: 401_html.
var oldTemplate = regexp.MustCompile(`^([45][0-9][0-9]|default)_(html|plain|json)$`)

var oldTypes = map[string]string{"html": "text/html", "plain": "text/plain", "json": "application/json"}

// takeOldTemplates returns the document with the templates of old files below error_templates,
// where new ones win.
func takeOldTemplates(document map[string]any) map[string]any {
	found := make(map[string]any)
	result := maps.Clone(document)
	for name, text := range document {
		parts := oldTemplate.FindStringSubmatch(name)
		if parts == nil {
			continue
		}
		delete(result, name)
		found = overlay(found, map[string]any{parts[1]: map[string]any{oldTypes[parts[2]]: text}})
	}
	if len(found) == 0 {
		return document
	}
	if own, ok := result["error_templates"].(map[string]any); ok {
		found = overlay(found, own)
	} else if own, given := result["error_templates"]; given {
		found = map[string]any{"error_templates": own} // of the wrong type, which is said later
	}
	result["error_templates"] = found
	return result
}

// templates returns the texts of errors.
func (c *checker) templates() map[string]map[string]string {
	if c.errorTemplates == nil {
		return nil
	}
	texts := make(map[string]map[string]string)
	for _, status := range slices.Sorted(maps.Keys(c.errorTemplates)) {
		if status == "comment" {
			continue
		}
		byType, ok := c.errorTemplates[status].(map[string]any)
		if !ok {
			c.report.errorf("error_templates.%s must be a structure: content types with their texts", status)
			continue
		}
		texts[status] = make(map[string]string)
		for mediaType, v := range byType {
			text, ok := v.(string)
			switch {
			case mediaType == "comment":
			case !ok:
				c.report.errorf("error_templates.%s: the text for %s must be a text", status, mediaType)
			default:
				texts[status][mediaType] = text
			}
		}
	}
	return texts
}
