{{/* Names, labels and selectors. They are those of the original chart, so that a release of it can be upgraded in place. */}}

{{/* Name of the application. */}}
{{- define "sealed-secrets.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of most objects. */}}
{{- define "sealed-secrets.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Namespace of the objects. */}}
{{- define "sealed-secrets.namespace" -}}
{{- include "sealed-secrets.text" .Values.namespace | default .Release.Namespace -}}
{{- end -}}

{{/* Name of the service account. */}}
{{- define "sealed-secrets.serviceAccountName" -}}
{{- $account := (include "sealed-secrets.values" . | fromJson).serviceAccount -}}
{{- include "sealed-secrets.text" $account.name | default (ternary (include "sealed-secrets.fullname" .) "default" (not (empty $account.create))) -}}
{{- end -}}

{{/* Name and version of the chart, as a label may hold it. */}}
{{- define "sealed-secrets.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels by which Services and the Deployment find Pods. A Deployment's selector can never be changed. */}}
{{- define "sealed-secrets.matchLabels" -}}
app.kubernetes.io/name: {{ include "sealed-secrets.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "sealed-secrets.labels" -}}
{{ include "sealed-secrets.matchLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: sealed-secrets
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | quote }}
helm.sh/chart: {{ include "sealed-secrets.chart" . }}
{{- end -}}

{{/*
Metadata of an object. Arguments: root; name; namespace (left out for what has none); labels and annotations (lists of what
this object has besides the common ones, as maps or as templates in a text).
*/}}
{{- define "sealed-secrets.metadata" -}}
{{- $root := .root -}}
{{- $name := .name -}}
{{- $labels := include "sealed-secrets.labels" $root | fromYaml -}}
{{- range append (default list .labels) $root.Values.commonLabels -}}
{{- $labels = merge $labels (include "sealed-secrets.templatedMap" (dict "value" . "root" $root "name" (printf "the labels of %s" $name) "such" "{team: security}" "texts" true) | fromYaml) -}}
{{- end -}}
{{- $annotations := dict -}}
{{- range append (default list .annotations) $root.Values.commonAnnotations -}}
{{- $annotations = merge $annotations (include "sealed-secrets.templatedMap" (dict "value" . "root" $root "name" (printf "the annotations of %s" $name) "such" "{team: security}" "texts" true) | fromYaml) -}}
{{- end -}}
name: {{ .name }}
{{- with .namespace }}
namespace: {{ . | quote }}
{{- end }}
labels: {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
