{{- /* What values must look like, in words: a schema would only show its pattern. Types and bounds are the schema's. */ -}}
{{- define "operator.valueRules" -}}
rules:
  - path: global.imageRegistry
    pattern: '^$|^[a-z0-9][a-z0-9._/:-]*[a-z0-9]$'
    says: 'must be a host, with a path if the mirror has one and without a scheme, for example registry.internal/mirror'
  - path: image.repository
    pattern: '^([^/@\s]+/)*[^/@:\s]+$'
    says: 'must be a name without tag and digest, for example ghcr.io/example/video-export-operator; the tag goes into image.tag, the digest into image.sha'
  - path: image.tag
    pattern: '^[A-Za-z0-9_.-]{0,128}$'
    says: 'must be a tag: letters, digits, dots, hyphens and underscores'
  - path: image.sha
    pattern: '^(sha256:[0-9a-f]{64})?$'
    says: 'must be sha256: and 64 hexadecimal digits, or empty'
  - path: nameOverride
    pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$'
    says: 'must be lower-case letters, digits and hyphens, for example video-export'
  - path: fullnameOverride
    pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$'
    says: 'must be lower-case letters, digits and hyphens, for example video-export'
  - path: leaderElection.leaseName
    pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$'
    says: 'must be lower-case letters, digits and hyphens, for example video-export'
  - path: serviceAccount.name
    pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$'
    says: 'must be lower-case letters, digits and hyphens, for example video-export'
  - path: seccompProfile.kubeletRoot
    pattern: '^/'
    says: 'must be an absolute path, for example /var/lib/kubelet'
  - path: metrics.serviceMonitor.interval
    pattern: '^[0-9]+(ms|s|m|h)$'
    says: 'must be a duration, for example 30s'
  - path: metrics.prometheusRule.runbookUrl
    pattern: '^$|^https?://'
    says: 'must begin with https:// or http://'
{{- end -}}

{{- define "operator.checkRules" -}}
{{- $problems := list -}}
{{- range (include "operator.valueRules" . | fromYaml).rules -}}
  {{- $value := $.Values -}}
  {{- range splitList "." .path -}}
    {{- $value = get (default dict $value) . -}}
  {{- end -}}
  {{- if and (kindIs "string" $value) (not (regexMatch .pattern $value)) -}}
    {{- $problems = append $problems (printf "%s %s, not %q" .path .says $value) -}}
  {{- end -}}
{{- end -}}
{{- if $problems -}}
{{ fail (join "; " $problems) }}
{{- end -}}
{{- end -}}
