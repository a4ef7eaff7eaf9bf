{{- define "worker.name" -}}
{{ default .Release.Name .Values.nameOverride | trunc 47 | trimSuffix "-" }}
{{- end }}

{{- define "worker.selectorLabels" -}}
app.kubernetes.io/name: video-export-worker
app.kubernetes.io/instance: {{ include "worker.name" . }}
{{- end }}

{{- define "worker.labels" -}}
{{ include "worker.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "worker.image" -}}
{{- $repository := include "worker.repository" . -}}
{{- with .Values.image -}}
{{- if .sha -}}
{{ printf "%s@%s" $repository .sha }}
{{- else -}}
{{ printf "%s:%s" $repository (default $.Chart.AppVersion .tag) }}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* global.imageRegistry takes the place of the registry's host: a mirror has the same paths. */ -}}
{{- define "worker.repository" -}}
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

{{- define "worker.serviceAccountName" -}}
{{ default (include "worker.name" .) .Values.serviceAccount.name }}
{{- end }}

{{- /* What only makes sense together; single values are checked by values.schema.json and by the API server. */ -}}
{{- define "worker.check" -}}
{{- include "worker.checkRules" . -}}
{{- if not .Values.temporal.address -}}
{{ fail "temporal.address is missing: set host:port of the Temporal frontend, for example --set temporal.address=temporal-frontend.temporal:7233" }}
{{- end -}}
{{- if not .Values.storage.uri -}}
{{ fail "storage.uri is missing: say where videos go, for example --set storage.uri=s3://exports" }}
{{- end -}}
{{- if not .Values.operator.enabled -}}
{{- include "worker.checkPlain" . -}}
{{- end -}}
{{- if and .Values.operator.enabled .Values.keda.enabled (ne .Values.scaling.mode "Manual") -}}
{{ fail "keda.enabled and the operator would both choose the size: set scaling.mode=Manual, or operator.enabled=false" }}
{{- end -}}
{{- end }}

{{- /* Rules of the resource's definition, in its words: without the operator nothing else would say them. */ -}}
{{- define "worker.checkPlain" -}}
{{- if eq (int .Values.metricsPort) (int .Values.healthPort) -}}
{{ fail "metricsPort and healthPort must differ; change one of them" }}
{{- end -}}
{{- if gt (int .Values.scaling.minReplicas) (int .Values.scaling.maxReplicas) -}}
{{ fail "minReplicas must not be greater than maxReplicas; lower minReplicas or raise maxReplicas" }}
{{- end -}}
{{- if and .Values.temporal.apiKeySecretRef (default dict .Values.temporal.tls).clientCertSecretRef -}}
{{ fail "use one way to authenticate; remove either apiKeySecretRef or tls.clientCertSecretRef" }}
{{- end -}}
{{- end }}
