{{- define "image" -}}
{{- $s := "" -}}
{{- if .Values.fips }}{{- $s = "-fips" -}}{{- end -}}
{{- printf "%s:%s%s" .Values.image.repository .Values.image.tag $s -}}
{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end -}}
