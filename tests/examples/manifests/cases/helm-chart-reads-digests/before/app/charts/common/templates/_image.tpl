{{- define "common.image" -}}
{{- $separator := ":" -}}
{{- $version := .root.tag | toString -}}
{{- if .root.digest }}
  {{- $separator = "@" -}}
  {{- $version = .root.digest | toString -}}
{{- end -}}
{{- if .root.registry }}
  {{- printf "%s/%s%s%s" .root.registry .root.repository $separator $version -}}
{{- else -}}
  {{- printf "%s%s%s" .root.repository $separator $version -}}
{{- end -}}
{{- end -}}
