{{/* Reading the values: what may be null, a template, or of the form of chart 1.x. */}}

{{/*
The values with every section present, as JSON. A section that is null or empty gets its defaults; the forms of chart 1.x
with true or false in place of a section switch it on or off.
*/}}
{{- define "sealed-secrets.values" -}}
{{- $known := .Files.Get "files/defaults.yaml" | fromYaml -}}
{{- include "sealed-secrets.completed" (dict "given" .Values "defaults" $known.values "free" $known.free) -}}
{{- end -}}

{{- define "sealed-secrets.completed" -}}
{{- $free := .free -}}
{{- $given := .given -}}
{{- $result := omit $given "" -}}
{{- range $name, $default := .defaults -}}
{{- if and (kindIs "map" $default) (not (empty $default)) -}}
{{- $section := index $given $name -}}
{{- if not (kindIs "map" $section) -}}
{{- $switched := deepCopy $default -}}
{{- range list "enabled" "create" -}}
{{- if and (kindIs "bool" $section) (hasKey $default .) -}}
{{- $_ := set $switched . $section -}}
{{- end -}}
{{- end -}}
{{- $section = $switched -}}
{{- else if not (has $name $free) -}}
{{- $section = include "sealed-secrets.completed" (dict "given" $section "defaults" $default "free" list) | fromJson -}}
{{- end -}}
{{- $_ := set $result $name $section -}}
{{- end -}}
{{- end -}}
{{- toJson $result -}}
{{- end -}}

{{/* A text or number as text; large numbers without an exponent, null and false as nothing. */}}
{{- define "sealed-secrets.text" -}}
{{- if kindIs "float64" . -}}
{{- toJson . -}}
{{- else if or . (kindIs "int" . | or (kindIs "int64" .)) -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{/* The text of a value that may also say false. */}}
{{- define "sealed-secrets.choice" -}}
{{- if kindIs "bool" . }}{{ toString . }}{{ else }}{{ include "sealed-secrets.text" . }}{{ end -}}
{{- end -}}

{{/* A value with its templates filled in. Arguments: value, root. */}}
{{- define "sealed-secrets.templated" -}}
{{- if kindIs "string" .value -}}
{{- tpl .value .root -}}
{{- else if .value -}}
{{- tpl (toYaml .value) .root -}}
{{- end -}}
{{- end -}}

{{/*
The same for a list, which the schema cannot look into where it is written as a text. Arguments: value, root, name (of the
value), items (the kind of what it holds: "string" or "map"), such (an example).
*/}}
{{- define "sealed-secrets.templatedList" -}}
{{- $text := include "sealed-secrets.templated" . -}}
{{- $list := (printf "value:\n%s" (indent 2 $text) | fromYaml).value -}}
{{- $fits := or (kindIs "slice" $list) (empty (trim $text)) -}}
{{- $items := .items -}}
{{- range ternary $list list (kindIs "slice" $list) -}}
{{- if not (kindIs $items .) -}}
{{- $fits = false -}}
{{- end -}}
{{- end -}}
{{- if not $fits -}}
{{- fail (printf "%s must be a list of %s, also where it is written as a text: %s" .name (ternary "texts" "maps" (eq $items "string")) .such) -}}
{{- end -}}
{{- $text -}}
{{- end -}}

{{/* The same for a map. Arguments: value, root, name, such, texts (true where it holds nothing but texts). */}}
{{- define "sealed-secrets.templatedMap" -}}
{{- $text := include "sealed-secrets.templated" . -}}
{{- $map := (printf "value:\n%s" (indent 2 $text) | fromYaml).value -}}
{{- $fits := or (kindIs "map" $map) (empty (trim $text)) -}}
{{- if and .texts (kindIs "map" $map) -}}
{{- range $map -}}
{{- if not (or (kindIs "string" .) (kindIs "invalid" .)) -}}
{{- $fits = false -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $fits -}}
{{- fail (printf "%s must be a map%s, also where it is written as a text: %s" .name (ternary " of texts" "" (not (empty .texts))) .such) -}}
{{- end -}}
{{- $text -}}
{{- end -}}

{{/* Additional namespaces, separated by commas. */}}
{{- define "sealed-secrets.additionalNamespaces" -}}
{{- $given := .Values.additionalNamespaces -}}
{{- $names := list -}}
{{- range ternary $given (include "sealed-secrets.text" $given | splitList ",") (kindIs "slice" $given) -}}
{{- $names = append $names (trim .) -}}
{{- end -}}
{{- compact $names | join "," -}}
{{- end -}}

{{/* Version of the cluster, for choosing API versions. */}}
{{- define "sealed-secrets.kubeVersion" -}}
{{- $global := default dict .Values.global -}}
{{- include "sealed-secrets.text" (default .Values.kubeVersion $global.kubeVersion) | default .Capabilities.KubeVersion.Version -}}
{{- end -}}

{{/* Says "true" if the cluster is of Kubernetes 1.minor or newer, or of a version that cannot be read. Arguments: root, minor. */}}
{{- define "sealed-secrets.isSince" -}}
{{- $found := include "sealed-secrets.kubeVersion" .root | regexFind "^v?[0-9]+[.][0-9]+" -}}
{{- if not $found -}}
true
{{- else -}}
{{- $version := semver $found -}}
{{- $own := int64 $version.Minor -}}
{{- /* This chart is for 1.16 and later: 1.3 is what YAML makes of 1.30 without quotes. */}}
{{- if or (gt (int64 $version.Major) 1) (ge $own (int64 .minor)) (lt $own 16) -}}
true
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Text of a map for --privatekey-labels and --privatekey-annotations. Arguments: value, name. */}}
{{- define "sealed-secrets.pairs" -}}
{{- $name := .name -}}
{{- $pairs := list -}}
{{- range $key, $value := .value -}}
{{- if or (not (kindIs "string" $value)) (empty $value) -}}
{{- fail (printf "%s.%s must be a text that is not empty; write it in quotes: %s: {%s: \"…\"}" $name $key $name $key) -}}
{{- end -}}
{{- $pairs = append $pairs (printf "%s=%s" $key $value) -}}
{{- end -}}
{{- join "," $pairs -}}
{{- end -}}

{{/* A security context without what the cluster does not know, as YAML. Arguments: value, root. */}}
{{- define "sealed-secrets.securityContext" -}}
{{- $context := omit .value "enabled" -}}
{{- if not (include "sealed-secrets.isSince" (dict "root" .root "minor" 19)) -}}
{{- $context = omit $context "seccompProfile" -}}
{{- end -}}
{{- include "sealed-secrets.present" $context -}}
{{- end -}}

{{/* A map without the entries that are null or empty maps, as YAML. */}}
{{- define "sealed-secrets.present" -}}
{{- $present := dict -}}
{{- range $name, $value := . -}}
{{- if not (or (kindIs "invalid" $value) (and (kindIs "map" $value) (empty $value))) -}}
{{- $_ := set $present $name $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $present -}}
{{- end -}}
