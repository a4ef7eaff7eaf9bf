{{- define "operator.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "operator.name" .) .Release.Name -}}
{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name (include "operator.name" .) | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- /* Objects of no namespace: two releases of one name in two namespaces must not share them. */ -}}
{{- define "operator.clusterName" -}}
{{ printf "%s-%s" .Release.Namespace (include "operator.fullname" .) }}
{{- end }}

{{- define "operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "operator.labels" -}}
{{ include "operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "operator.fullname" .) .Values.serviceAccount.name }}
{{- else if .Values.serviceAccount.name -}}
{{ .Values.serviceAccount.name }}
{{- else -}}
{{ fail "serviceAccount.create is false, so serviceAccount.name must say which account the operator uses" }}
{{- end -}}
{{- end }}

{{- define "operator.leaseName" -}}
{{ default (include "operator.fullname" .) .Values.leaderElection.leaseName }}
{{- end }}

{{- define "operator.image" -}}
{{- $repository := include "operator.repository" . -}}
{{- with .Values.image -}}
{{- if .sha -}}
{{ printf "%s@%s" $repository .sha }}
{{- else -}}
{{ printf "%s:%s" $repository (default $.Chart.AppVersion .tag) }}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* global.imageRegistry takes the place of the registry's host: a mirror has the same paths. */ -}}
{{- define "operator.repository" -}}
{{- $parts := splitList "/" .Values.image.repository -}}
{{- $host := first $parts -}}
{{- if not .Values.global.imageRegistry -}}
{{ .Values.image.repository }}
{{- else if or (contains "." $host) (contains ":" $host) (eq $host "localhost") -}}
{{ printf "%s/%s" .Values.global.imageRegistry (rest $parts | join "/") }}
{{- else -}}
{{ printf "%s/%s" .Values.global.imageRegistry .Values.image.repository }}
{{- end -}}
{{- end }}

{{- /* What the operator may do in each namespace that it serves. README.md holds the same table. */ -}}
{{- define "operator.rules" -}}
- apiGroups: [videoexport.dev]
  resources: [videoexportworkers]
  verbs: [get, list, watch]
- apiGroups: [videoexport.dev]
  resources: [videoexportworkers/status]
  verbs: [patch]
- apiGroups: [videoexport.dev]
  resources: [videoexportworkers/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch]
- apiGroups: [apps]
  resources: [deployments/scale]
  verbs: [patch]
- apiGroups: [apps]
  resources: [replicasets/scale]
  verbs: [patch]
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch]
# Whether another operator that has claimed a resource still lives.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
- apiGroups: [""]
  resources: [services, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [servicemonitors]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
