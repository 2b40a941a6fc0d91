{{/* The image: registry.example.com/myorg/app:v1.4.0 */}}
{{- define "app.image" -}}
registry.example.com/myorg/app:v1.5.0@sha256:a150000000000000000000000000000000000000000000000000000000000000
{{- end }}

{{- define "app.default" -}}
{{ .Values.image | default "registry.example.com/myorg/app:v1.5.1@sha256:a151000000000000000000000000000000000000000000000000000000000000" }}
{{- end -}}

{{- define "app.sidecarImage" -}}
{{- printf "%s:%s" "registry.example.com/myorg/app" "v1.6.0" -}}
{{- end }}
{{- define "app.labelled" -}}registry.example.com/myorg/app:v1.4.0{{- end }}
{{- define "app.other" -}}registry.example.com/myorg/app:v1.4.0{{- end }}
{{- define "app.container" -}}
- name: app
  image: registry.example.com/myorg/app:v1.6.0
  args: {{ .Values.args }}
{{- end }}
