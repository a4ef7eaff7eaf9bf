{{- /*
Lays one value over another as the operator lays a template over its own: maps merge, lists merge by the key that names
their items, everything else is replaced, null removes. An item of env or volumes has one of several kinds and is
replaced whole; so is what a probe does.

Takes {base, over, field}, `field` being the name of the field that holds them; gives {value} as YAML.
*/ -}}
{{- define "worker.overlay" -}}
{{- $value := .over -}}
{{- $field := .field -}}
{{- $key := get (include "worker.mergeKeys" . | fromYaml) .field -}}
{{- if and (kindIs "map" .base) (kindIs "map" .over) -}}
  {{- $value = deepCopy .base -}}
  {{- $over := .over -}}
  {{- range $name := list "httpGet" "exec" "tcpSocket" "grpc" -}}
    {{- if and (not (hasKey $over $name)) (pick $over "httpGet" "exec" "tcpSocket" "grpc") -}}
      {{- $_ := unset $value $name -}}
    {{- end -}}
  {{- end -}}
  {{- range $name, $over := .over -}}
    {{- if kindIs "invalid" $over -}}
      {{- $_ := unset $value $name -}}
    {{- else if hasKey $value $name -}}
      {{- $merged := include "worker.overlay" (dict "base" (get $value $name) "over" $over "field" $name) | fromYaml -}}
      {{- $_ := set $value $name $merged.value -}}
    {{- else -}}
      {{- $_ := set $value $name $over -}}
    {{- end -}}
  {{- end -}}
{{- else if and $key (kindIs "slice" .base) (kindIs "slice" .over) -}}
  {{- $value = list -}}
  {{- $rest := .over -}}
  {{- range $item := .base -}}
    {{- $result := $item -}}
    {{- $left := list -}}
    {{- range $over := $rest -}}
      {{- if eq (get $over $key | toString) (get $item $key | toString) -}}
        {{- $merged := include "worker.overlay" (dict "base" $result "over" $over "field" "") | fromYaml -}}
        {{- $result = has $field (list "env" "volumes") | ternary $over $merged.value -}}
      {{- else -}}
        {{- $left = append $left $over -}}
      {{- end -}}
    {{- end -}}
    {{- $rest = $left -}}
    {{- $value = append $value $result -}}
  {{- end -}}
  {{- $value = concat $value $rest -}}
{{- end -}}
{{- dict "value" $value | toYaml -}}
{{- end -}}

{{- /* The API's own merge keys of the lists in a pod template. */ -}}
{{- define "worker.mergeKeys" -}}
containers: name
initContainers: name
env: name
ports: containerPort
volumes: name
volumeMounts: mountPath
volumeDevices: devicePath
imagePullSecrets: name
hostAliases: ip
topologySpreadConstraints: topologyKey
schedulingGates: name
resourceClaims: name
{{- end -}}
