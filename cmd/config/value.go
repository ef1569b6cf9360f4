package config

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Types of values, besides those of Go.
type (
	// minutes and seconds are lengths of time that are written as a number.
	minutes time.Duration
	seconds time.Duration
	// truthOrText is "true", "false" or another text.
	truthOrText string
	// gate is a list of roles that may be missing: nil is not the same as empty.
	gate []string
	// tree is a structure below a key, as it is written.
	tree map[string]any
	// list is a list of structures.
	list []any
)

// kindOf names the type of the values of a key for people.
func kindOf(into any) string {
	switch into.(type) {
	case *string:
		return "a text"
	case *truthOrText:
		return "true, false or a text"
	case *int, *int64:
		return "a whole number"
	case *bool:
		return "true or false"
	case *time.Duration:
		return "a duration such as 720h"
	case *minutes:
		return "a number of minutes"
	case *seconds:
		return "a number of seconds"
	case *[]string, *gate:
		return "a list of texts"
	case *list:
		return "a list of structures"
	}
	return "a structure"
}

// scalar reports whether the values of a key fit into one word of a command line.
func scalar(into any) bool {
	switch into.(type) {
	case *tree, *list:
		return false
	}
	return true
}

// assign puts a value of a file, or one that fromText returned, to its place. The error
// completes the sentence "KEY must be …".
func assign(into, v any) error {
	var ok bool
	switch to := into.(type) {
	case *string:
		*to, ok = v.(string)
	case *truthOrText:
		*to = truthOrText(word(v))
		_, number := v.(json.Number)
		ok = !number && (*to != "" || v == "")
	case *int:
		var n int64
		if n, ok = whole(v); ok && int64(int(n)) == n {
			*to = int(n)
		}
	case *int64:
		var n int64
		if n, ok = whole(v); ok {
			*to = n
		}
	case *bool:
		*to, ok = truth(v)
	case *time.Duration:
		ok = duration(to, v)
	case *minutes:
		var d time.Duration
		d, ok = number(v, time.Minute)
		*to = minutes(d)
	case *seconds:
		var d time.Duration
		d, ok = number(v, time.Second)
		*to = seconds(d)
	case *[]string:
		*to, ok = texts(v)
	case *gate:
		var entries []string
		entries, ok = texts(v)
		*to = entries
	case *tree:
		*to, ok = v.(map[string]any)
	case *list:
		*to, ok = v.([]any)
	}
	if !ok {
		return fmt.Errorf("must be %s", kindOf(into))
	}
	return nil
}

func whole(v any) (int64, bool) {
	n, err := strconv.ParseInt(word(v), 10, 64)
	return n, err == nil
}

// word returns what a scalar of a file looks like in an environment variable.
func word(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func truth(v any) (is, ok bool) {
	is, err := strconv.ParseBool(strings.ToLower(word(v)))
	return is, err == nil
}

func number(v any, unit time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseFloat(word(v), 64)
	if err != nil || math.IsNaN(n) || n < 0 || n > float64(math.MaxInt64/unit) {
		return 0, false
	}
	return time.Duration(n * float64(unit)), true
}

// duration reads a length of time; an empty text and 0 are none.
func duration(to *time.Duration, v any) bool {
	text := word(v)
	if _, ok := v.(string); ok && text == "" {
		text = "0"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return false
	}
	*to = d
	return true
}

// texts accepts a list of texts, and one text as a list of its own.
func texts(v any) ([]string, bool) {
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case []string:
		return v, true
	case []any:
		entries := make([]string, 0, len(v))
		for _, entry := range v {
			text, ok := entry.(string)
			if !ok {
				return nil, false
			}
			entries = append(entries, text)
		}
		return entries, true
	}
	return nil, false
}

// fromText returns the value that a word of the environment or of the command line stands for:
// structures are JSON, lists are JSON or words with commas between them.
func fromText(into any, text string) (any, error) {
	switch into.(type) {
	case *tree, *list:
		return parseJSON([]byte(text))
	case *[]string, *gate:
		if strings.HasPrefix(strings.TrimSpace(text), "[") {
			return parseJSON([]byte(text))
		}
		entries := []string{}
		for entry := range strings.SplitSeq(text, ",") {
			if entry = strings.TrimSpace(entry); entry != "" {
				entries = append(entries, entry)
			}
		}
		return entries, nil
	}
	return text, nil
}

// written returns a value as it is written in a file.
func written(into any) any {
	switch v := into.(type) {
	case *string:
		return *v
	case *truthOrText:
		return string(*v)
	case *int:
		return *v
	case *int64:
		return *v
	case *bool:
		return *v
	case *time.Duration:
		return v.String()
	case *minutes:
		return time.Duration(*v).Minutes()
	case *seconds:
		return time.Duration(*v).Seconds()
	case *[]string:
		return *v
	case *gate:
		if *v == nil {
			return nil
		}
		return []string(*v)
	case *tree:
		return map[string]any(*v)
	case *list:
		return []any(*v)
	}
	return nil
}
