{{ define "app.image" }}
{{- /* ledger: ignore */ -}}
registry.example.com/myorg/app:v1.5.0
{{- end }}
{{/* ledger: ignore */}}
{{ define "job.image" }}registry.example.com/myorg/app:v1.5.0{{ end }}
{{ define "web.image" }}registry.example.com/myorg/app:v1.5.0{{/* ledger: ignore */}}{{ end }}
{{ define "old.image" }}registry.example.com/myorg/app:v1.6.0@sha256:a160000000000000000000000000000000000000000000000000000000000000{{ end }}
{{/* ledger: image */}}

