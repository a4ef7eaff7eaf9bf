{{- /* The pod as the operator makes it (manifests of video_export_operator): a test holds both together. */ -}}
{{- define "worker.podMetadata" -}}
labels:
  {{- include "worker.selectorLabels" . | nindent 2 }}
annotations:
  kubectl.kubernetes.io/default-container: worker
  {{- if .Values.protectFromEviction }}
  cluster-autoscaler.kubernetes.io/safe-to-evict: "false"
  karpenter.sh/do-not-disrupt: "true"
  {{- end }}
{{- end }}

{{- define "worker.podSpec" -}}
{{- $tls := default dict .Values.temporal.tls -}}
serviceAccountName: {{ include "worker.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: {{ .Values.seccompProfile.type }}
    {{- if eq .Values.seccompProfile.type "Localhost" }}
    localhostProfile: {{ .Values.seccompProfile.localhostProfile }}
    {{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: worker
    image: {{ include "worker.image" . | quote }}
    {{- with .Values.image.pullPolicy }}
    imagePullPolicy: {{ . }}
    {{- end }}
    {{- with .Values.command }}
    command:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    args:
      {{- if or .Values.args .Values.command }}
      {{- toYaml .Values.args | nindent 6 }}
      {{- else }}
      - worker
      - --task-queue
      - {{ .Values.temporal.taskQueue | quote }}
      - --metrics-port
      - {{ .Values.metricsPort | quote }}
      {{- end }}
    env:
      - name: TEMPORAL_ADDRESS
        value: {{ .Values.temporal.address | quote }}
      - name: TEMPORAL_NAMESPACE
        value: {{ .Values.temporal.namespace | quote }}
      {{- with .Values.temporal.apiKeySecretRef }}
      - name: TEMPORAL_API_KEY
        valueFrom:
          secretKeyRef:
            name: {{ .name }}
            key: {{ default "apiKey" .key }}
      {{- end }}
      {{- if or (kindIs "map" .Values.temporal.tls) .Values.temporal.apiKeySecretRef }}
      - name: TEMPORAL_TLS
        value: "true"
      {{- end }}
      {{- with $tls.serverName }}
      - name: TEMPORAL_TLS_SERVER_NAME
        value: {{ . | quote }}
      {{- end }}
      {{- if $tls.caSecretRef }}
      - name: TEMPORAL_TLS_SERVER_CA_CERT_PATH
        value: /var/run/secrets/videoexport.dev/temporal-ca/ca.crt
      {{- end }}
      {{- if $tls.clientCertSecretRef }}
      - name: TEMPORAL_TLS_CLIENT_CERT_PATH
        value: /var/run/secrets/videoexport.dev/temporal-client/tls.crt
      - name: TEMPORAL_TLS_CLIENT_KEY_PATH
        value: /var/run/secrets/videoexport.dev/temporal-client/tls.key
      {{- end }}
      - name: VIDEO_EXPORT_STORAGE_URI
        value: {{ .Values.storage.uri | quote }}
      {{- with .Values.storage.sources }}
      - name: VIDEO_EXPORT_SOURCES
        value: {{ join "," . | quote }}
      {{- end }}
      {{- with .Values.storage.outputs }}
      - name: VIDEO_EXPORT_OUTPUTS
        value: {{ join "," . | quote }}
      {{- end }}
      {{- with .Values.assets }}
      {{- if eq .mode "None" }}
      - name: VIDEO_EXPORT_ASSETS
        value: none
      {{- end }}
      {{- with .hosts }}
      - name: VIDEO_EXPORT_ASSET_HOSTS
        value: {{ join "," . | quote }}
      {{- end }}
      {{- with .deniedHosts }}
      - name: VIDEO_EXPORT_ASSET_HOSTS_DENIED
        value: {{ join "," . | quote }}
      {{- end }}
      {{- with .proxyUrl }}
      - name: VIDEO_EXPORT_ASSET_PROXY_URL
        value: {{ . | quote }}
      {{- end }}
      {{- with .prefixes }}
      {{- $pairs := list }}
      {{- range . }}
      {{- $pairs = append $pairs (printf "%s=%s" .prefix .place) }}
      {{- end }}
      - name: VIDEO_EXPORT_ASSET_PREFIXES
        value: {{ join "," $pairs | quote }}
      {{- end }}
      {{- end }}
      - name: VIDEO_EXPORT_SLOTS
        value: {{ .Values.slots | quote }}
      - name: VIDEO_EXPORT_HEALTH_PORT
        value: {{ .Values.healthPort | quote }}
      # A little less than the pod has, so that the worker ends by itself.
      - name: VIDEO_EXPORT_GRACEFUL_SHUTDOWN
        value: {{ max 1 (sub (int .Values.terminationGracePeriodSeconds) 15) | quote }}
      # Chromium's own sandbox needs user namespaces, which RuntimeDefault forbids.
      - name: VIDEO_EXPORT_CHROMIUM_SANDBOX
        value: {{ eq .Values.seccompProfile.type "Localhost" | quote }}
      - name: POD_NAME
        valueFrom:
          fieldRef:
            fieldPath: metadata.name
      {{- with .Values.assets.headersSecretRef }}
      - name: VIDEO_EXPORT_ASSET_HEADERS_SECRET
        valueFrom:
          secretKeyRef:
            name: {{ .name }}
            key: {{ default "headers" .key }}
      {{- end }}
      - name: HOME
        value: /tmp
      - name: TMPDIR
        value: /tmp
    {{- with .Values.storage.secretRef }}
    envFrom:
      - secretRef:
          name: {{ .name }}
    {{- end }}
    ports:
      - name: metrics
        containerPort: {{ .Values.metricsPort }}
        protocol: TCP
      - name: health
        containerPort: {{ .Values.healthPort }}
        protocol: TCP
    resources:
      {{- range $kind, $amounts := .Values.resources }}
      {{- if $amounts }}
      {{ $kind }}:
        {{- toYaml $amounts | nindent 8 }}
      {{- end }}
      {{- else }} {}
      {{- end }}
    {{- /* Only the project's own worker has these paths. */}}
    {{- if and (not .Values.command) (or (not .Values.args) (eq (first .Values.args) "worker")) }}
    {{- include "worker.probes" . | nindent 4 }}
    {{- end }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
    volumeMounts:
      - name: tmp
        mountPath: /tmp
      - name: shared-memory
        mountPath: /dev/shm
      {{- if $tls.caSecretRef }}
      - name: temporal-ca
        mountPath: /var/run/secrets/videoexport.dev/temporal-ca
        readOnly: true
      {{- end }}
      {{- if $tls.clientCertSecretRef }}
      - name: temporal-client
        mountPath: /var/run/secrets/videoexport.dev/temporal-client
        readOnly: true
      {{- end }}
volumes:
  - name: tmp
    emptyDir:
      {{- /* docs/sizing.md of the project says what for. */}}
      sizeLimit: {{ mul 8 .Values.slots }}Gi
  - name: shared-memory
    emptyDir:
      medium: Memory
      sizeLimit: 256Mi
  {{- with $tls.caSecretRef }}
  - name: temporal-ca
    secret:
      secretName: {{ .name }}
  {{- end }}
  {{- with $tls.clientCertSecretRef }}
  - name: temporal-client
    secret:
      secretName: {{ .name }}
  {{- end }}
{{- end }}

{{- define "worker.probes" -}}
startupProbe:
  httpGet:
    path: /healthz
    port: health
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 120
livenessProbe:
  httpGet:
    path: /healthz
    port: health
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet:
    path: /readyz
    port: health
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}
