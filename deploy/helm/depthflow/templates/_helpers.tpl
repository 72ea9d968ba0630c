{{- define "depthflow.labels" -}}
app.kubernetes.io/part-of: depthflow
{{- end }}

{{- define "depthflow.meta" -}}
namespace: {{ .root.Values.namespace }}
labels:
  app.kubernetes.io/part-of: depthflow
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "depthflow.pod" -}}
serviceAccountName: depthflow
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "depthflow.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- define "depthflow.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- toYaml . | nindent 8 }}
{{- end }}
