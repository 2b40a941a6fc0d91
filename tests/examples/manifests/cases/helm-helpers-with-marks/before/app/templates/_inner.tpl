{{ define "app.ref" }}registry.example.com/myorg/app:v1.6.0{{ end }}
{{ define "app.container" }}
name: app
image: {{ include "app.ref" . }}
{{ end }}
{{ define "app.inner" }}registry.example.com/myorg/app:v1.5.0{{ end }}
{{ define "app.outer" }}{{ include "app.inner" . }}{{ end }}
