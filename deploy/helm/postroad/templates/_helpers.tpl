{{- define "postroad.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "postroad.selector" -}}
app.kubernetes.io/name: postroad
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "postroad.labels" -}}
{{ include "postroad.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "postroad.secret" -}}
{{- if .Values.secret }}{{ include "postroad.name" . }}-secret{{ else }}{{ required "existingSecret or secret is needed" .Values.existingSecret }}{{ end -}}
{{- end -}}

{{/* A container of the program: image, rights, settings. Its name and words are added. */}}
{{- define "postroad.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
env:
  - { name: POSTROAD_CONFIG, value: /etc/postroad/postroad.yaml }
envFrom:
  - secretRef: { name: {{ include "postroad.secret" . }} }
volumeMounts:
  - { name: settings, mountPath: /etc/postroad, readOnly: true }
  - { name: data, mountPath: /var/lib/postroad }
  - { name: tmp, mountPath: /tmp }
  {{- if .Values.tlsSecret }}
  - { name: tls, mountPath: /etc/postroad-tls, readOnly: true }
  {{- end }}
{{- end -}}

{{/* What the pods have in common, whatever they do. */}}
{{- define "postroad.pod" -}}
serviceAccountName: {{ include "postroad.name" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: settings
    configMap: { name: {{ include "postroad.name" . }} }
  - name: data
    emptyDir: { sizeLimit: {{ .Values.data.sizeLimit }} }
  - name: tmp
    emptyDir: { sizeLimit: 1Gi }
  {{- if .Values.tlsSecret }}
  - name: tls
    secret: { secretName: {{ .Values.tlsSecret }}, defaultMode: 0440 }
  {{- end }}
{{- end -}}
