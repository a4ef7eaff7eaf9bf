{{- /*
The pod template that is laid over the pod as the operator makes it: what the values for scheduling, labels, variables and
volumes say, and over that the value `template`. Gives {value} as YAML.
*/ -}}
{{- define "worker.template" -}}
{{- $container := dict "name" "worker" -}}
{{- range $field, $value := dict "imagePullPolicy" .Values.image.pullPolicy "env" .Values.extraEnv "volumeMounts" .Values.extraVolumeMounts -}}
  {{- if $value -}}
    {{- $_ := set $container $field $value -}}
  {{- end -}}
{{- end -}}
{{- $spec := dict -}}
{{- if gt (len $container) 1 -}}
  {{- $_ := set $spec "containers" (list $container) -}}
{{- end -}}
{{- $fields := pick .Values "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" -}}
{{- range $field, $value := merge $fields (dict "volumes" .Values.extraVolumes) -}}
  {{- if $value -}}
    {{- $_ := set $spec $field $value -}}
  {{- end -}}
{{- end -}}
{{- $metadata := dict -}}
{{- range $field, $value := dict "labels" .Values.podLabels "annotations" .Values.podAnnotations -}}
  {{- if $value -}}
    {{- $_ := set $metadata $field $value -}}
  {{- end -}}
{{- end -}}
{{- $ours := dict -}}
{{- range $part, $value := dict "metadata" $metadata "spec" $spec -}}
  {{- if $value -}}
    {{- $_ := set $ours $part $value -}}
  {{- end -}}
{{- end -}}
{{- include "worker.overlay" (dict "base" $ours "over" .Values.template "field" "template") -}}
{{- end -}}
