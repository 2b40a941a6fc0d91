{{- define "labels" -}}
app.kubernetes.io/version: {{ .Values.image.tag | trunc 63 | quote }}
{{- end -}}
