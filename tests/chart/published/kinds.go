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

// item is a schema for a map in a list: the names that it must have, and what the names that are known hold. Others pass.
func item(required []string, known schema) schema {
	result := with(types("object"), "properties", known)
	if len(required) > 0 {
		result["required"] = required
	}
	return result
}

// listOf is a schema for a list of such items.
func listOf(items schema) schema {
	return unlessEmpty(with(types("array"), "items", items))
}

// whole is a schema for whole numbers, also as text.
func whole(least, most int, pattern string) schema {
	result := with(types("integer", "string"), "pattern", pattern)
	result["minimum"] = least
	if most > 0 {
		result["maximum"] = most
	}
	return result
}

const (
	digits = "^[0-9]+$"
	// 1 to 65535.
	portDigits = "^(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})$"
)

var (
	text         = types("string")
	optionalText = types("string", "null")
	optionalMap  = types("object", "null")
	optionalInt  = types("integer", "null")
	optionalFlag = types("boolean", "null")
	// A text that must say something.
	nonEmpty  = with(types("string"), "minLength", 1)
	textItems = with(types("array", "null"), "items", text)
)

// kinds are the words in brackets of values.yaml. Refused is what makes the original chart fail or render an object that
// no API server takes; text and numbers pass wherever they are rendered as text. What a template makes of a text is not
// known here: the chart's templates look at that.
var kinds = map[string]kind{
	"text":             {"text", unlessEmpty(types("string", "number"))},
	"name":             {"text", unlessEmpty(text)},
	"number":           {"whole number", unlessEmpty(whole(0, 0, digits))},
	"port":             {"port", schema{"if": schema{"enum": []any{nil, "", false}}, "else": whole(1, 65535, portDigits)}},
	"optional-port":    {"port", unlessEmpty(whole(1, 65535, "^0$|"+portDigits))},
	"pods":             {"whole number or text", unlessEmpty(with(types("integer", "string"), "minimum", 0))},
	"integer":          {"whole number", optionalInt},
	"boolean":          {"true or false", optionalFlag},
	"flag":             {"true or false", types("boolean", "string", "number", "null")},
	"choice":           {"true, false or empty", schema{"enum": []any{true, false, "true", "false", "", nil}}},
	"switch":           {"true or false", types("boolean", "string", "number", "null", "array")},
	"map-list":         {"list of maps", listOf(item(nil, schema{}))},
	"name-list":        {"list of names", listOf(with(item([]string{"name"}, schema{"name": nonEmpty}), "type", []any{"string", "object"}))},
	"namespace-list":   {"list of names", unlessEmpty(with(types("array", "string"), "items", text))},
	"templated-words":  {"list of texts, templated", unlessEmpty(with(types("array", "string"), "items", text))},
	"templated-list":   {"list of maps, templated", unlessEmpty(with(types("array", "string"), "items", item(nil, schema{})))},
	"objects":          {"list of maps or texts, templated", unlessEmpty(schema{"type": []any{"array", "object"}, "items": types("object", "string", "null"), "additionalProperties": types("object", "string", "null")})},
	"subjects":         {"list or text, templated", unlessEmpty(with(types("array", "string"), "items", item([]string{"kind", "name"}, schema{"kind": nonEmpty, "name": nonEmpty, "namespace": optionalText, "apiGroup": optionalText})))},
	"variables":        {"list of maps", listOf(item([]string{"name"}, schema{"name": nonEmpty, "value": optionalText, "valueFrom": optionalMap}))},
	"tolerations":      {"list of maps", listOf(item(nil, schema{"key": optionalText, "operator": optionalText, "value": optionalText, "effect": optionalText, "tolerationSeconds": optionalInt}))},
	"spreads":          {"list of maps", listOf(item([]string{"maxSkew", "topologyKey", "whenUnsatisfiable"}, schema{"maxSkew": with(types("integer"), "minimum", 1), "topologyKey": nonEmpty, "whenUnsatisfiable": nonEmpty, "labelSelector": optionalMap}))},
	"volumes":          {"list of maps", listOf(item([]string{"name"}, schema{"name": nonEmpty}))},
	"mounts":           {"list of maps", listOf(item([]string{"name", "mountPath"}, schema{"name": nonEmpty, "mountPath": nonEmpty, "subPath": optionalText, "readOnly": optionalFlag}))},
	"hosts":            {"list of maps", listOf(item(nil, schema{"name": types("string", "number", "null"), "path": optionalText, "pathType": optionalText}))},
	"certificates":     {"list of maps", listOf(item([]string{"name", "key", "certificate"}, schema{"name": nonEmpty, "key": text, "certificate": text}))},
	"map":              {"map", unlessEmpty(types("object"))},
	"quantities":       {"map of quantities", unlessEmpty(with(types("object"), "additionalProperties", types("string", "number", "null")))},
	"capabilities":     {"map", unlessEmpty(item(nil, schema{"add": textItems, "drop": textItems}))},
	"templated-map":    {"map, templated", unlessEmpty(types("object", "string"))},
	"labels":           {"map of texts", unlessEmpty(with(types("object"), "additionalProperties", optionalText))},
	"templated-labels": {"map of texts, templated", unlessEmpty(with(types("object", "string"), "additionalProperties", optionalText))},
	"section":          {"section", nil},
	"probe":            {"section", nil},
	"free":             {"section, other names are copied as well", nil},
}

// others are values that have no default, in sections that take any name: known to the API server, with one type.
var others = map[string]schema{
	"podSecurityContext": {
		"runAsUser": optionalInt, "runAsGroup": optionalInt, "runAsNonRoot": optionalFlag, "supplementalGroups": with(types("array", "null"), "items", types("integer")),
		"fsGroupChangePolicy": optionalText, "seLinuxOptions": optionalMap, "sysctls": with(types("array", "null"), "items", types("object")),
	},
	"containerSecurityContext": {
		"runAsGroup": optionalInt, "privileged": optionalFlag, "procMount": optionalText, "seLinuxOptions": optionalMap, "seccompProfile": optionalMap,
	},
	"resources": {"claims": with(types("array", "null"), "items", item([]string{"name"}, schema{"name": nonEmpty}))},
}
