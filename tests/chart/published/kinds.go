package published

// schema is a JSON schema.
type schema = map[string]any

// kind is what a value may be.
type kind struct {
	// words for the README.
	words string
	// schema that refuses the rest.
	schema schema
}

// nothing are the values that the templates pass over: of whatever type, an empty value is as good as none.
var nothing = []any{nil, "", false, 0, []any{}, schema{}}

// unlessEmpty is a schema for everything but nothing. Written with if and else, so that a message names only the type that
// is wanted.
func unlessEmpty(rest schema) schema {
	return schema{"if": schema{"enum": nothing}, "else": rest}
}

func types(names ...any) schema {
	return schema{"type": names}
}

func with(base schema, name string, value any) schema {
	base[name] = value
	return base
}

// kinds are the words in brackets of values.yaml. Refused is what makes the original chart fail or render an object that
// no API server takes; text and numbers pass wherever they are rendered as text.
var kinds = map[string]kind{
	"text":             {"text", unlessEmpty(types("string", "number"))},
	"name":             {"text", unlessEmpty(types("string"))},
	"number":           {"whole number", unlessEmpty(with(types("integer", "string"), "pattern", "^[0-9]+$"))},
	"integer":          {"whole number", types("integer", "null")},
	"boolean":          {"true or false", types("boolean", "null")},
	"flag":             {"true or false", types("boolean", "string", "number", "null")},
	"choice":           {"true, false or empty", schema{"enum": []any{true, false, "true", "false", "", nil}}},
	"switch":           {"true or false", types("boolean", "string", "number", "null", "array")},
	"list":             {"list", unlessEmpty(types("array"))},
	"name-list":        {"list of names", unlessEmpty(with(types("array"), "items", types("string")))},
	"namespace-list":   {"list of names", unlessEmpty(with(types("array", "string"), "items", types("string")))},
	"templated-words":  {"list of texts, templated", unlessEmpty(with(types("array", "string"), "items", types("string")))},
	"templated-list":   {"list, templated", unlessEmpty(types("array", "string"))},
	"subjects":         {"list or text, templated", unlessEmpty(types("array", "string"))},
	"map":              {"map", unlessEmpty(types("object"))},
	"templated-map":    {"map, templated", unlessEmpty(types("object", "string"))},
	"labels":           {"map of texts", unlessEmpty(with(types("object"), "additionalProperties", types("string", "null")))},
	"templated-labels": {"map of texts, templated", unlessEmpty(with(types("object", "string"), "additionalProperties", types("string", "null")))},
	"section":          {"section", nil},
	"probe":            {"section", nil},
	"free":             {"section, other names are copied as well", nil},
}
