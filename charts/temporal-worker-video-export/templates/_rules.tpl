{{- /* What values must look like, in words: a schema would only show its pattern. Types and bounds are the schema's. */ -}}
{{- define "worker.valueRules" -}}
rules:
  - path: global.imageRegistry
    pattern: '^$|^[a-z0-9][a-z0-9._/:-]*[a-z0-9]$'
    says: 'must be a host, with a path if the mirror has one and without a scheme, for example registry.internal/mirror'
  - path: image.repository
    pattern: '^([^/@\s]+/)*[^/@:\s]+$'
    says: 'must be a name without tag and digest, for example ghcr.io/example/video-export-worker; the tag goes into image.tag, the digest into image.sha'
  - path: image.tag
    pattern: '^[A-Za-z0-9_.-]{0,128}$'
    says: 'must be a tag: letters, digits, dots, hyphens and underscores'
  - path: image.sha
    pattern: '^(sha256:[0-9a-f]{64})?$'
    says: 'must be sha256: and 64 hexadecimal digits, or empty'
  - path: nameOverride
    pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$'
    says: 'must be lower-case letters, digits and hyphens, for example video-export'
  - path: temporal.address
    pattern: '^$|^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$'
    says: 'must be HOST:PORT without a scheme, for example temporal-frontend.temporal:7233'
  - path: storage.uri
    pattern: '^$|^(s3|gs|az|file)://.+'
    says: 'must begin with s3://, gs://, az:// or file:// and name a bucket or folder'
  - path: assets.proxyUrl
    pattern: '^(http://[^\s]+)?$'
    says: 'must be a URL such as http://proxy.example:3128'
  - path: scaling.pollInterval
    pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$'
    says: 'must be a duration in hours, minutes and seconds, for example 10s, 2m or 1h30m'
  - path: scaling.pollIntervalAtZero
    pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$'
    says: 'must be a duration in hours, minutes and seconds, for example 10s, 2m or 1h30m'
  - path: scaling.targetWait
    pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$'
    says: 'must be a duration in hours, minutes and seconds, for example 10s, 2m or 1h30m'
  - path: scaling.scaleDown.stabilizationWindow
    pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$'
    says: 'must be a duration in hours, minutes and seconds, for example 10s, 2m or 1h30m'
  - path: scaling.scaleDown.minIdle
    pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$'
    says: 'must be a duration in hours, minutes and seconds, for example 10s, 2m or 1h30m'
  - path: scaling.whenUnreachable.after
    pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$'
    says: 'must be a duration in hours, minutes and seconds, for example 10s, 2m or 1h30m'
  - path: rollout.maxWait
    pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$'
    says: 'must be a duration in hours, minutes and seconds, for example 30m or 24h'
  - path: seccompProfile.localhostProfile
    pattern: '^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$'
    says: 'must be a path below the kubelet''s seccomp folder, for example profiles/x.json'
  - path: serviceMonitor.interval
    pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$'
    says: 'must be a duration in hours, minutes and seconds, for example 10s, 2m or 1h30m'
{{- end -}}

{{- define "worker.checkRules" -}}
{{- $problems := list -}}
{{- range (include "worker.valueRules" . | fromYaml).rules -}}
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
