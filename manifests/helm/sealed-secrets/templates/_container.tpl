{{/* The controller's container. */}}

{{/* Image reference. Argument: the section. */}}
{{- define "sealed-secrets.image" -}}
{{- with include "sealed-secrets.text" .image.registry }}{{ . }}/{{ end -}}
{{- .image.repository | default "bitnami/sealed-secrets-controller" -}}
{{- if .image.digest -}}
@{{ .image.digest }}
{{- else -}}
:{{ include "sealed-secrets.text" .image.tag | default .appVersion }}
{{- end -}}
{{- end -}}

{{/*
Arguments made of the values. By default only what the original controller knows: an unknown flag would end it, and people
pin its image under this chart. Arguments: values, root.
*/}}
{{- define "sealed-secrets.arguments" -}}
{{- $values := .values -}}
{{- if $values.updateStatus }}
- --update-status
{{- else if kindIs "bool" $values.updateStatus }}
- --update-status=false
{{- end }}
{{- range list
  (list "skip-recreate" $values.skipRecreate)
  (list "heal-drift" $values.healDrift)
  (list "old-gc-behavior" $values.oldGCBehavior)
  (list "watch-for-secrets" $values.watchForSecrets)
}}
{{- if last . }}
- --{{ first . }}
{{- end }}
{{- end }}
{{- if $values.logInfoStderr }}
- --log-info-stdout=false
{{- else if $values.logInfoStdout }}
- --log-info-stdout
{{- end }}
{{- range list
  (list "accept-deprecated-v1-data" $values.acceptDeprecatedV1Data)
  (list "all-namespaces" $values.allNamespaces)
  (list "leader-elect" $values.leaderElect)
}}
{{- $choice := include "sealed-secrets.choice" (last .) }}
{{- if $choice }}
- --{{ first . }}={{ $choice }}
{{- end }}
{{- end }}
{{- range list
  (list "key-prefix" ($values.secretName | default "sealed-secrets-key"))
  (list "key-renew-period" (include "sealed-secrets.text" $values.keyrenewperiod))
  (list "key-ttl" $values.keyttl)
  (list "key-cutoff-time" $values.keycutofftime)
  (list "key-size" $values.keySize)
  (list "key-order-priority" $values.keyOrderPriority)
  (list "my-cn" $values.certificateCommonName)
  (list "privatekey-annotations" (include "sealed-secrets.pairs" (dict "value" $values.privateKeyAnnotations "name" "privateKeyAnnotations")))
  (list "privatekey-labels" (include "sealed-secrets.pairs" (dict "value" $values.privateKeyLabels "name" "privateKeyLabels")))
  (list "additional-namespaces" (include "sealed-secrets.additionalNamespaces" .root))
  (list "label-selector" $values.labelSelector)
  (list "status-conditions" $values.statusConditions)
  (list "rate-limit" $values.rateLimit)
  (list "rate-limit-burst" $values.rateLimitBurst)
  (list "read-timeout" $values.readTimeout)
  (list "write-timeout" $values.writeTimeout)
  (list "max-unseal-retries" $values.maxRetries)
  (list "kubeclient-qps" $values.kubeClientQPS)
  (list "kubeclient-burst" $values.kubeClientBurst)
  (list "log-level" $values.logLevel)
  (list "log-format" $values.logFormat)
  (list "listen-addr" (printf ":%s" (include "sealed-secrets.port" (list $values.containerPorts.http 8080))))
  (list "listen-metrics-addr" (printf ":%s" (include "sealed-secrets.port" (list $values.containerPorts.metrics 8081))))
}}
{{- if last . }}
- --{{ first . }}
- {{ include "sealed-secrets.text" (last .) | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A port, or the second of the list where there is none. */}}
{{- define "sealed-secrets.port" -}}
{{- include "sealed-secrets.text" (first .) | default (toString (last .)) -}}
{{- end -}}

{{/* Environment. A variable in extraEnv stands in for one of the same name here. Arguments: values, root. */}}
{{- define "sealed-secrets.environment" -}}
{{- $own := list -}}
{{- $extra := default list .values.extraEnv -}}
{{- range $extra -}}
{{- $own = append $own .name -}}
{{- end -}}
{{- if not (has "SEALED_SECRETS_LEADER_ELECT_LEASE_NAME" $own) }}
# Not an argument, because the original controller would not know it and end.
- name: SEALED_SECRETS_LEADER_ELECT_LEASE_NAME
  value: {{ include "sealed-secrets.fullname" .root }}
{{- end }}
{{- $limits := default dict .values.resources.limits }}
{{- range list (list "GOMAXPROCS" "cpu") (list "GOMEMLIMIT" "memory") }}
{{- if and (index $limits (last .)) (not (has (first .) $own)) }}
- name: {{ first . }}
  valueFrom:
    resourceFieldRef:
      resource: limits.{{ last . }}
{{- end }}
{{- end }}
{{- with $extra }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* One probe. Arguments: field, probe, custom, action, root. */}}
{{- define "sealed-secrets.probe" -}}
{{- if .probe.enabled }}
{{- $probe := dict -}}
{{- range $name, $value := omit .probe "enabled" -}}
{{- if kindIs "string" $value -}}
{{- if $value -}}
{{- $_ := set $probe $name (atoi $value) -}}
{{- end -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- $_ := set $probe $name $value -}}
{{- end -}}
{{- end -}}
{{ .field }}: {{- merge $probe .action | toYaml | nindent 2 }}
{{- else if .custom -}}
{{ .field }}: {{- include "sealed-secrets.templatedMap" (dict "value" .custom "root" .root "name" (printf "custom%s" (title .field)) "such" "{httpGet: {path: /healthz, port: http}}") | nindent 2 }}
{{- end -}}
{{- end -}}
