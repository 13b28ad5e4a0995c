package config

import "encoding/json"

// Schema is the JSON Schema (draft 2020-12) of the file, for editors. Load is stricter: it also sees what goes together.
func Schema() []byte {
	root := object(table())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "coatcheck configuration"
	data, _ := json.MarshalIndent(root, "", "  ") // maps of strings and numbers: cannot fail
	return append(data, '\n')
}

func object(fields []field) map[string]any {
	properties := map[string]any{}
	for _, f := range fields {
		schema := f.schema()
		schema["description"] = f.doc
		properties[f.name] = schema
	}
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

const durationPattern = `^([0-9]+d)?([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))*$|^[0-9]+$`

func (f field) schema() map[string]any {
	text := map[string]any{"type": "string"}
	switch f.kind {
	case kindSection:
		return object(f.fields)
	case kindSections:
		return map[string]any{"type": "array", "items": object(f.fields), "default": []any{}}
	case kindBool:
		return map[string]any{"type": "boolean", "default": f.initially()}
	case kindInt:
		return map[string]any{"type": "integer", "minimum": f.low, "maximum": f.high, "default": f.initially()}
	case kindDuration:
		return map[string]any{"type": []string{"string", "integer"}, "pattern": durationPattern, "minimum": 0, "default": f.initial}
	case kindChoice:
		return map[string]any{"enum": f.enum(), "default": f.initial}
	case kindTexts, kindSecrets, kindPrefixes:
		return map[string]any{"type": "array", "items": text, "default": []any{}}
	case kindUpstreams:
		return map[string]any{"oneOf": []any{text, map[string]any{"type": "array", "items": text}}, "default": ""}
	case kindFormats:
		list := map[string]any{"type": "array", "items": map[string]any{"enum": f.choices}}
		return map[string]any{"oneOf": []any{map[string]any{"const": "auto"}, list}, "default": "auto"}
	}
	return map[string]any{"type": "string", "default": f.initially()}
}

// enum: a choice that is written true or false is a boolean in YAML.
func (f field) enum() []any {
	var list []any
	for _, c := range f.choices {
		list = append(list, c)
		if c == "true" || c == "false" {
			list = append(list, c == "true")
		}
	}
	return list
}
