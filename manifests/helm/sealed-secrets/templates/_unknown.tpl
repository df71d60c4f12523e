{{/* What is to be said about values that do nothing, one line each. */}}

{{- define "sealed-secrets.warnings" -}}
{{- $known := .Files.Get "files/defaults.yaml" | fromYaml -}}
{{- include "sealed-secrets.unknown" (dict "given" .Values "known" $known.values "free" $known.free "prefix" "") -}}
{{- $values := include "sealed-secrets.values" . | fromJson -}}
{{- if $values.rbac.pspEnabled }}
- rbac.pspEnabled has no effect: PodSecurityPolicy left Kubernetes with 1.25
{{- end -}}
{{- end -}}

{{/* Lines about one section. Arguments: given, known, prefix (its path with a dot), free (sections that take any name). */}}
{{- define "sealed-secrets.unknown" -}}
{{- $known := .known -}}
{{- $free := .free -}}
{{- $prefix := .prefix -}}
{{- range $name, $value := .given -}}
{{- $path := printf "%s%s" $prefix $name -}}
{{- if has $path (list "global" "service.labels" "metrics.service.labels") -}}
{{- else if not (hasKey $known $name) }}
- {{ $path }}
{{- range $right, $_ := $known -}}
{{- if eq (lower $right) (lower $name) }} (it is written {{ $right }}){{ end -}}
{{- end -}}
{{- else -}}
{{- $default := index $known $name -}}
{{- if and (kindIs "bool" $default) (kindIs "string" $value) (eq (toString $value) "false") }}
- {{ $path }} counts as true, because it is a text; write false without quotes
{{- else if and (kindIs "map" $default) (kindIs "map" $value) (not (empty $default)) (not (has $name $free)) -}}
{{- include "sealed-secrets.unknown" (dict "given" $value "known" $default "prefix" (printf "%s." $path) "free" list) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
