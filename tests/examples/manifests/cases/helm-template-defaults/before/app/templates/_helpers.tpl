{{- define "app.registry" }}registry.example.com{{ end }}
{{- define "app.tag" }}v1.6.0{{ end }}
