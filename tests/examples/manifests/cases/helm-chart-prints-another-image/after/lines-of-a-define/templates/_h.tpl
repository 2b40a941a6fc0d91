{{- define "image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- .image.repository }}:{{ .image.tag }}
{{- end }}{{ .suffix }}
{{- end -}}
