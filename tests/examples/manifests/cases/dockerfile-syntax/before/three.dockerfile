
# syntax=registry.example.com/myorg/app:v1.5.0
FROM nginx:1.27.0
