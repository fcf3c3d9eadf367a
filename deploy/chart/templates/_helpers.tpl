{{/* Of (dict "root" $ "part" "pms"): labels that never change. */}}
{{- define "clusterplex.selector" -}}
app.kubernetes.io/name: {{ .part }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "clusterplex.labels" -}}
{{ include "clusterplex.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* `labels:`, with those of the values. */}}
{{- define "clusterplex.metadata" -}}
name: {{ .root.Release.Name }}-{{ .name | default .part }}
labels:
  {{- include "clusterplex.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "clusterplex.version" -}}
{{ .Values.global.clusterplexVersion | default .Chart.AppVersion }}
{{- end }}

{{- define "clusterplex.tokenSecret" -}}
{{ .Values.global.tokenSecret | default (printf "%s-token" .Release.Name) }}
{{- end }}

{{/* Of (dict "root" $ "env" …): a map of values or of `valueFrom`, or a list. */}}
{{- define "clusterplex.env" -}}
{{- $root := .root }}
{{- if kindIs "slice" .env }}
{{- tpl (toYaml .env) $root }}
{{- else }}
{{- range $name, $value := .env }}
- name: {{ $name }}
{{- if not (kindIs "map" $value) }}
  value: {{ tpl (toString $value) $root | quote }}
{{- else if hasKey $value "valueFrom" }}
  {{- toYaml $value | nindent 2 }}
{{- else }}
  valueFrom:
    {{- toYaml $value | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* What ClusterPlex's chart passes on to pods as it is. */}}
{{- define "clusterplex.pod" -}}
{{- range $key := list "affinity" "nodeSelector" "tolerations" "topologySpreadConstraints" "runtimeClassName" "priorityClassName" }}
{{- with get $.part $key }}
{{ $key }}:
  {{- if kindIs "string" . }} {{ . }}{{ else }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Of (dict "probes" … "ready" WHAT "live" WHAT "start" how many times 10 s). */}}
{{- define "clusterplex.probes" -}}
{{- if .probes.startup }}
startupProbe:
  {{- toYaml .live | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: {{ .start }}
{{- end }}
{{- if .probes.readiness }}
readinessProbe:
  {{- toYaml .ready | nindent 2 }}
  periodSeconds: 15
  timeoutSeconds: 10
{{- end }}
{{- if .probes.liveness }}
livenessProbe:
  {{- toYaml .live | nindent 2 }}
  periodSeconds: 30
  timeoutSeconds: 10
  failureThreshold: 3
{{- end }}
{{- end }}

{{- define "clusterplex.ready" -}}
httpGet: { path: /ready, port: http }
{{- end }}

{{- define "clusterplex.alive" -}}
httpGet: { path: /health, port: http }
{{- end }}

{{/* Of (dict "root" $ "part" … "config" .serviceConfig "ports" …), for the leader alone or not, headless or not. */}}
{{- define "clusterplex.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "clusterplex.metadata" (dict "root" .root "part" .part "labels" .config.labels "annotations" .config.annotations) | nindent 2 }}
spec:
  type: {{ .config.type }}
  {{- with .config.externalTrafficPolicy }}
  externalTrafficPolicy: {{ . }}
  {{- end }}
  {{- if and .headless (eq .config.type "ClusterIP") }}
  clusterIP: None
  {{- end }}
  selector:
    {{- include "clusterplex.selector" . | nindent 4 }}
    {{- if .leader }}
    clusterplex.io/role: leader
    {{- end }}
  ports:
    {{- toYaml .ports | nindent 4 }}
{{- end }}

{{/* The volumes that PMS and workers share, by name: what each is, and where. */}}
{{- define "clusterplex.sharedVolumes" -}}
{{- $shared := .Values.global.sharedStorage }}
{{- $all := merge (dict "transcode" $shared.transcode "media" $shared.media) (deepCopy (default dict $shared.additionalMediaVolumes)) }}
{{- range $name, $volume := $all }}
{{- if ne (toString $volume.enabled) "false" }}
{{ $name }}:
  claim: {{ $volume.existingClaim | default (printf "%s-%s" $.Release.Name $name) }}
  mountPath: {{ $volume.mountPath | default (printf "/%s" $name) }}
  mode: {{ ternary "rw" "ro" (eq $name "transcode") }}
  subPath: {{ $volume.subPath | default "" | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "clusterplex.mounts" -}}
{{- $mounts := list }}
{{- range $volume := include "clusterplex.sharedVolumes" . | fromYaml }}
{{- $mounts = append $mounts (printf "%s:%s" $volume.mountPath $volume.mode) }}
{{- end }}
{{- join "," $mounts }}
{{- end }}

{{- define "clusterplex.volumeMounts" -}}
{{- range $name, $volume := include "clusterplex.sharedVolumes" . | fromYaml }}
- name: {{ $name }}
  mountPath: {{ $volume.mountPath }}
  readOnly: {{ eq $volume.mode "ro" }}
  {{- with $volume.subPath }}
  subPath: {{ . }}
  {{- end }}
{{- end }}
- name: token
  mountPath: /etc/clusterplex/token
  readOnly: true
{{- end }}

{{- define "clusterplex.volumes" -}}
{{- range $name, $volume := include "clusterplex.sharedVolumes" . | fromYaml }}
- name: {{ $name }}
  persistentVolumeClaim: { claimName: {{ $volume.claim }} }
{{- end }}
- name: token
  secret: { secretName: {{ include "clusterplex.tokenSecret" . }} }
{{- end }}

{{/* Of (dict "root" $ "part" "" "name" … "volume" … "mode" …). */}}
{{- define "clusterplex.claim" -}}
{{- $keep := ternary (dict "helm.sh/resource-policy" "keep") dict (ne (toString .volume.retain) "false") }}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  {{- include "clusterplex.metadata" (dict "root" .root "part" "storage" "name" .name "annotations" $keep) | nindent 2 }}
spec:
  accessModes: [{{ .mode }}]
  {{- include "clusterplex.storageClass" .volume | nindent 2 }}
  resources:
    requests:
      storage: {{ .volume.size }}
{{- end }}

{{/* `-` is none at all. */}}
{{- define "clusterplex.storageClass" -}}
{{- with .storageClass }}
storageClassName: {{ ternary "" . (eq . "-") | quote }}
{{- end }}
{{- end }}

{{/* As in deploy/base. */}}
{{- define "clusterplex.restrictedPod" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .Values.global.PUID }}
  runAsGroup: {{ .Values.global.PGID }}
  fsGroup: {{ .Values.global.PGID }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "clusterplex.restrictedContainer" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{- define "clusterplex.dns" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end }}
