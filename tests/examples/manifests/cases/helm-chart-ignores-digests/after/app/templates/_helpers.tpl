{{/* The image: {{ .digest }} would be read here */}}
{{- define "app.image" -}}
{{- printf "%s:%s" .repository (.tag | toString) -}}
{{- end -}}
{{- define "app.fullname" -}}
{{- .Release.Name | trunc 63 -}}
{{- end -}}
