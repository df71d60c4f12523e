{{/* What the controller may do, and why. */}}

{{/* Rules where SealedSecrets live. Argument: namespaces (names, to see whether they exist; may be empty). */}}
{{- define "sealed-secrets.unsealerRules" -}}
# To see what is to be unsealed.
- apiGroups: [bitnami.com]
  resources: [sealedsecrets]
  verbs: [get, list, watch]
# To tell how it went.
- apiGroups: [bitnami.com]
  resources: [sealedsecrets/status]
  verbs: [update]
# To make Secrets and keep them up to date, to make deleted ones again (list, watch), and with --old-gc-behavior to delete
# them. Sealing keys are read by the same rule.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, create, update, delete, watch]
# To tell people what went wrong, and to count repetitions in one event.
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- with .namespaces }}
# To see whether the namespaces of --additional-namespaces exist.
- apiGroups: [""]
  resources: [namespaces]
  resourceNames: {{- toYaml . | nindent 4 }}
  verbs: [get]
{{- end }}
{{- end -}}

{{/* Rules in the controller's own namespace. Arguments: secretName, leaseName (empty where leases are not granted). */}}
{{- define "sealed-secrets.keyAdminRules" -}}
# The key of very old installations has this name.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ .secretName | quote }}]
  verbs: [get]
# Sealing keys. Their names are made by the API server, so the rule cannot name them.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, list]
{{- with .leaseName }}
# One of several replicas does the work; two overlap at every upgrade. A new object's name cannot be a condition.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
# The Lease itself: who holds it, and taking, renewing and giving it back.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ . | quote }}]
  verbs: [get, update]
{{- end }}
{{- end -}}

{{/* Rules for the people who seal. Argument: the name of the Service. */}}
{{- define "sealed-secrets.proxierRules" -}}
# kubeseal reads the name of the Service's first port.
- apiGroups: [""]
  resources: [services]
  resourceNames: [{{ . | quote }}]
  verbs: [get]
# kubeseal fetches the certificate (get), asks whether a SealedSecret can be opened and has it sealed anew (create).
- apiGroups: [""]
  resources: [services/proxy]
  resourceNames: [{{ printf "http:%s:" . | quote }}, {{ printf "http:%s:http" . | quote }}, {{ . | quote }}]
  verbs: [create, get]
{{- end -}}
